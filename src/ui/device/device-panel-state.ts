/** Whether the device's panel is open: asked for in the header and by errors that it explains. */

import { createStore } from 'zustand/vanilla';

export const devicePanel = createStore<{ readonly open: boolean }>(() => ({ open: false }));

export const openDevicePanel = (): void => devicePanel.setState({ open: true });
export const closeDevicePanel = (): void => devicePanel.setState({ open: false });
