/** Names in the folder of finished files: each file has a folder, and a kept one a record and a small picture beside it. */

export const OUTPUTS = 'outputs';
export const RECORD = 'history.json';
export const THUMBNAIL = 'thumbnail.jpg';
