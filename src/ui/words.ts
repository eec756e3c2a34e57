/** Every word of the page, in one place, ready to be translated. Functions where a figure belongs inside a sentence. */

import type { Provider } from '../../workers/plan/job-plan.ts';
import type { ColourFix, OutputCodec, Quality, SolverName } from '../../workers/plan/settings.ts';
import type { Stage } from '../../workers/protocol.ts';
import type { ShellState } from '../state/app-shell.ts';
import type { View } from '../state/inspection.ts';

export const LOCALE = 'en';

export const words = {
  product: 'Venhancer',

  empty: {
    headline: 'Larger, smoother, sharper video',
    lead: 'A video diffusion model that runs in this tab. Drop a clip, choose how far to go, download an MP4.',
    promise: 'Nothing leaves your machine',
    drop: 'Drop a clip here',
    paste: 'or paste one',
    choose: 'Choose a clip',
    sample: 'Try the sample clip',
    release: 'Let go to open it',
    formats: 'MP4, MOV, WebM or MKV',
    facts: [
      { figure: '1–8×', text: 'larger, by any factor' },
      { figure: '1–8×', text: 'the frames a second' },
      { figure: 'Faithful to re-imagined', text: 'and anything between' },
    ],
  },

  input: 'Clip file',
  sampleFileName: 'the sample clip',
  opening: (fileName: string) => `Opening ${fileName}…`,

  device: {
    label: 'Device',
    checking: 'Checking this device…',
    failed: 'No device to run on',
    found: { webgpu: 'WebGPU', wasm: 'WASM' } satisfies Record<Provider, string>,
    softwareAdapter: 'drawn in software, slow',
    slow: 'The result is the same; it takes many times longer than on a graphics processor.',
    oneThread: 'Only one thread: this page is served without cross-origin isolation.',
  },

  clip: {
    another: 'Another clip',
    size: 'Size',
    frameRate: 'Frame rate',
    frameRateVariable: (rate: string) => `${rate}, variable`,
    length: 'Length',
    video: 'Video',
    audio: 'Audio',
    noAudio: 'none',
    dropped: (codec: string) => `${codec}, left out: an MP4 cannot hold it`,
    file: 'File',
    posterOf: (fileName: string) => `First frame of ${fileName}`,
    noPoster: 'No preview of this clip',
  },

  settings: {
    heading: 'Settings',
    scale: 'Scale',
    frameRate: 'Frame rate',
    strength: 'Strength',
    seed: 'Seed',
    steps: 'Steps',
    sliderOf: (label: string) => `${label} slider`,
    times: '×',
    allowed: (min: number, max: number, whole: boolean) =>
      `${whole ? 'A whole number' : 'A number'} from ${min} to ${max}.`,
    strengthEnds: { least: 'Faithful', most: 'Re-imagine' },
    strengthMeans: {
      none: 'Keeps the picture; only cleans and sharpens.',
      little: 'Keeps what is there and adds fine texture.',
      middle: 'Redraws texture and small detail.',
      much: 'Invents detail. Faces and lettering may change.',
    },
    newSeed: 'New seed',
    advanced: 'Advanced',
    stepsHint: 'More steps draw more detail and take proportionally longer.',
    solver: 'Solver',
    solvers: { ddim: 'DDIM', 'dpmpp-2m-sde': 'DPM-Solver++ 2M SDE', heun: 'Heun' } satisfies Record<SolverName, string>,
    colourFix: 'Colour fix',
    colourFixes: { wavelet: 'Colours from the source', off: 'Off' } satisfies Record<ColourFix, string>,
    codec: 'Codec',
    codecs: {
      auto: 'Automatic (H.264 where possible)',
      h264: 'H.264',
      hevc: 'HEVC',
      av1: 'AV1',
      vp9: 'VP9',
    } satisfies Record<OutputCodec, string>,
    quality: 'Quality',
    qualities: { high: 'High', balanced: 'Balanced', small: 'Small file' } satisfies Record<Quality, string>,
    memoryBudget: 'Memory budget',
    megabytes: 'MB',
    automatic: 'Automatic',
    keepSource: 'Keep a copy of the clip with the job',
    keepSourceHint:
      'In this browser’s private storage, until the job is done: it can then go on without choosing the clip again.',
    memoryBudgetHint: 'Leave empty to let the device decide. Less memory means more, smaller tiles.',
  },

  timeline: {
    label: 'Timeline',
    moment: 'Moment to look at',
    start: 'Start of the part',
    end: 'End of the part',
    from: 'From',
    to: 'To',
    whole: 'Whole clip',
    at: (time: string) => `Looking at ${time}`,
  },

  offline: {
    update: 'A new version is ready.',
    reload: 'Load it now',
    states: {
      unknown: '',
      keeping: 'Getting ready to work offline…',
      ready: 'Works offline from now on.',
      failed: '',
    } satisfies Record<ShellState['offline'], string>,
  },

  presets: {
    farLegend: 'How far to go',
    far: { faithful: 'Faithful', balanced: 'Balanced', reimagine: 'Re-imagine' },
    careLegend: 'How carefully',
    care: { fast: 'Fast', fine: 'Fine' },
  },

  pad: {
    rate: (framesPerSecond: string) => `${framesPerSecond} frames a second`,
  },

  plan: {
    heading: 'Plan',
    pending: 'Planning…',
    size: 'Size',
    frameRate: 'Frame rate',
    frames: 'Frames',
    work: 'Work',
    windowsAndTiles: (windows: number, tiles: number) =>
      `${windows} ${windows === 1 ? 'window' : 'windows'} × ${tiles} ${tiles === 1 ? 'tile' : 'tiles'}`,
    memory: 'Memory',
    storage: 'Storage',
    device: 'Device',
    tryAgain: 'Plan again',
  },

  run: {
    enhance: 'Enhance',
    enhancing: 'Enhancing',
    paused: 'Paused',
    pausing: 'Pausing…',
    cancelling: 'Cancelling…',
    cancel: 'Cancel',
    pause: 'Pause',
    resume: 'Resume',
    progress: 'Progress',
    timeLeft: 'Time left',
    elapsed: 'Elapsed',
    frames: 'Frames',
    measuring: 'measuring…',
    source: 'Source',
    enhanced: 'Enhanced',
    frameAt: (frame: number, time: string) => `Frame ${frame} at ${time}`,
    firstFrames: 'The first frames appear here when the first window is done.',
    held: 'The GPU is free. What is done is kept on this device: you can close this tab and go on another day.',
    keepOpen: 'You can use other tabs. Keep this one open.',
    stages: {
      prepare: 'Loading the model',
      decode: 'Reading frames',
      condition: 'Preparing key frames',
      denoise: 'Drawing detail',
      reconstruct: 'Finishing frames',
      encode: 'Encoding video',
      mux: 'Writing the MP4',
    } satisfies Record<Stage, string>,
    announce: (percent: string, stage: string, left: string | null) =>
      left === null ? `${percent} done. ${stage}.` : `${percent} done. ${stage}. ${left} left.`,
    settled: {
      cancelled: 'Cancelled. Your settings are as you left them.',
      busy: 'A clip is being enhanced. Cancel it first to open another.',
    },
  },

  unfinished: {
    heading: 'Unfinished',
    state: (percent: string, frames: string, paused: boolean) =>
      `${paused ? 'Paused' : 'Stopped'} with ${percent} of ${frames} frames finished`,
    recipe: (size: string, when: string) => `${size}, ${when}`,
    goOn: 'Go on',
    goOnNamed: (fileName: string) => `Go on with ${fileName}`,
    save: 'Save what is finished',
    discard: 'Discard',
    discardNamed: (fileName: string) => `Discard the job of ${fileName}`,
    chooseAgain: (fileName: string) => `Choose ${fileName} again to go on: this browser can’t open it by itself.`,
  },

  result: {
    heading: 'Done',
    download: 'Download',
    downloadNamed: (fileName: string) => `Download ${fileName}`,
    again: 'Again, with other settings',
    size: 'Size',
    frames: 'Frames',
    file: 'File',
    took: 'Took',
    audio: 'Audio',
    audioCopied: (tracks: number) => (tracks === 0 ? 'none' : 'copied unchanged'),
    earlier: 'Earlier results',
    earlierFacts: (size: string, strength: number, bytes: string) => `${size}, strength ${strength}, ${bytes}`,
    startOver: 'Start over',
    fileName: (stem: string) => `${stem}-enhanced.mp4`,
  },

  compare: {
    label: 'Before and after',
    before: 'Before',
    after: 'After',
    views: 'View',
    view: { wipe: 'Wipe', side: 'Side by side', difference: 'Difference', loupe: 'Loupe' } satisfies Record<
      View,
      string
    >,
    wipe: 'Wipe between before and after',
    wipeAt: (percent: number) => `${percent}% before`,
    difference: 'What differs, made brighter',
    differencePending: 'Comparing this frame…',
    differenceIs: (levels: string, gain: number, exact: boolean) =>
      `${levels} of 255 levels apart on average, shown ${gain} times as bright${exact ? '' : '. This frame is new: held against the one before it'}`,
    loupeAt: (zoom: string, x: number, y: number) => `${zoom} around ${x}, ${y}`,
    nearer: 'Nearer',
    further: 'Further away',
    play: 'Play',
    pause: 'Pause',
    step: 'Next frame',
    stepBack: 'Previous frame',
    loop: 'Loop',
    fullScreen: 'Full screen',
    frameOf: (frame: string, count: string) => `${frame} / ${count}`,
    position: 'Position',
    mute: 'Mute',
    unmute: 'Unmute',
    moment: 'Moment',
    momentsOnly: 'This browser can’t play the source, so single frames are compared.',
    afterOnly: 'This browser can’t play the source beside the result.',
    neither: 'This browser can’t play the result. Download it to watch it.',
    keys: 'Keys',
    keysHeading: 'Keys, while the focus is here',
    keyList: [
      { keys: ['Space'], does: 'Play or pause' },
      { keys: [',', '.'], does: 'A frame back, a frame on' },
      { keys: ['Home', 'End'], does: 'First frame, last frame' },
      { keys: ['1', '2', '3', '4'], does: 'Wipe, side by side, difference, loupe' },
      { keys: ['+', '−'], does: 'Nearer, further away' },
      { keys: ['←', '↑', '↓', '→'], does: 'Move the line, the loupe, or by frames' },
      { keys: ['L'], does: 'Loop' },
      { keys: ['M'], does: 'Sound' },
      { keys: ['F'], does: 'Full screen' },
      { keys: ['?'], does: 'This list' },
    ],
  },

  fidelity: {
    heading: 'How far from the source',
    measuring: 'Comparing every part of the picture…',
    failed: 'The result could not be compared with its source.',
    structure: 'Structure',
    colour: 'Colour',
    structureMeans: {
      kept: 'Shapes and texture are the source’s.',
      texture: 'Shapes are kept; texture is redrawn.',
      altered: 'Shapes have changed. Check faces and lettering.',
    },
    colourMeans: {
      none: 'No shift that can be seen.',
      slight: 'A slight shift, seen side by side.',
      visible: 'A visible shift.',
    },
    structureValue: (percent: string) => `${percent} kept`,
    colourValue: (distance: string) => `ΔE ${distance}`,
    worst: (time: string, percent: string) => `Changed most, at ${time}: ${percent} kept`,
    look: 'Look closer',
    basis: (frames: string, inserted: string | null) =>
      inserted === null
        ? `Measured on ${frames} frames.`
        : `Measured on ${frames} frames that both have; ${inserted} frames in between are new.`,
    about: 'Structure is SSIM, colour is CIEDE2000 (1 is just visible), both at the source’s own size.',
  },

  failure: {
    during: {
      open: (fileName: string) => `Couldn’t open ${fileName}`,
      enhance: (fileName: string) => `Couldn’t enhance ${fileName}`,
      control: (fileName: string) => `Couldn’t control the job of ${fileName}`,
      save: (fileName: string) => `Couldn’t save what is finished of ${fileName}`,
    },
    device: 'No device to run on',
    plan: 'Couldn’t plan this',
    detail: 'Details for a bug report',
    copy: 'Copy details',
    copied: 'Copied',
    copyFailed: 'Select the text and copy it',
    dismiss: 'Dismiss',
    safe: 'Finished results are kept.',
  },

  title: {
    idle: 'Venhancer: larger, smoother, sharper video',
    running: (percent: string, fileName: string) => `${percent} · ${fileName}`,
    paused: (percent: string, fileName: string) => `Paused ${percent} · ${fileName}`,
    finished: (fileName: string) => `Done · ${fileName}`,
  },

  time: {
    hours: 'h',
    minutes: 'min',
    seconds: 's',
    about: (time: string) => `about ${time}`,
    underASecond: 'under a second',
  },
  framesPerSecond: 'fps',
  channels: { 1: 'mono', 2: 'stereo' } as Record<number, string>,
  channelCount: (count: number) => `${count} channels`,
};
