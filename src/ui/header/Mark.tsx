/** The sign: a coarse grid turning into a fine one. `public/favicon.svg` is the same drawing. */
export function Mark() {
  const fine = [0, 1, 2, 3].flatMap((row) => [0, 1].map((column) => ({ x: 12.75 + column * 5.25, y: 2 + row * 5.25 })));
  return (
    <svg width="1.375em" height="1.375em" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true">
      <rect x="2" y="2" width="9" height="9" rx="1.5" />
      <rect x="2" y="12.5" width="9" height="9" rx="1.5" />
      {fine.map(({ x, y }) => (
        <rect key={`${x} ${y}`} x={x} y={y} width="3.75" height="3.75" rx="0.75" />
      ))}
    </svg>
  );
}
