/** The words of the model manager and of what a prompted model asks for; beside words.ts, which has those of every visit. */

import type { CheckpointKind } from '../../../workers/models/checkpoint/fit.ts';
import type { Precision } from '../../../workers/models/manifest.ts';
import type { ScaleCondition, StepPlan } from '../../../workers/plan/settings.ts';
import type { ModelWork } from '../../state/models.ts';

interface Origin {
  readonly title: string;
  readonly files: string;
  readonly url: string;
  readonly place: string;
  readonly licence: string;
}

export const modelWords = {
  open: 'Models',
  heading: 'Models',
  close: 'Close',
  field: 'Model',
  nano: 'Nano',
  nanoFacts: 'built in, works at once and offline',
  inUse: 'in use',
  use: 'Use',
  takeNamed: (name: string) => `Use ${name}`,
  verify: 'Verify',
  verifyNamed: (name: string) => `Verify ${name}`,
  verified: 'Every file is as it was written.',
  export: 'Export',
  exportNamed: (name: string) => `Export ${name}`,
  remove: 'Delete',
  removeNamed: (name: string) => `Delete ${name}`,
  facts: (size: string, precision: string, parameters: string) => `${size}, ${precision}, ${parameters} parameters`,
  unfinished: (name: string, done: string, total: string) => `${name}: ${done} of ${total} converted`,
  unfinishedHint: (files: string) => `Choose ${files} again and import: it goes on where it stopped.`,
  stored: 'Models are kept in this browser’s own storage.',
  free: (size: string) => `${size} free.`,

  official: {
    heading: 'Add the official VEnhancer',
    lead: 'The full model of the paper, 2 billion parameters. Download these three files yourself, then choose or drop them here. This page converts them on your machine; it fetches and sends nothing.',
    origins: {
      network: {
        title: 'VEnhancer checkpoint',
        files:
          'venhancer_v2.pt (closer to the source) or venhancer_paper.pt (more creative); or their float16 safetensors',
        url: 'https://huggingface.co/jwhejwhe/VEnhancer',
        place: 'jwhejwhe/VEnhancer',
        licence: 'Apache-2.0',
      },
      autoencoder: {
        title: 'Autoencoder with the temporal decoder',
        files: 'vae/diffusion_pytorch_model.fp16.safetensors',
        url: 'https://huggingface.co/stabilityai/stable-video-diffusion-img2vid',
        place: 'stabilityai/stable-video-diffusion-img2vid',
        licence: 'Stability AI’s own licence: read it there',
      },
      'text-encoder': {
        title: 'Text encoder OpenCLIP ViT-H-14',
        files: 'open_clip_pytorch_model.bin or open_clip_model.safetensors',
        url: 'https://huggingface.co/laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
        place: 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
        licence: 'MIT',
      },
    } satisfies Record<CheckpointKind, Origin>,
    from: 'from',
    fp16: { url: 'https://huggingface.co/Kijai/VEnhancer-fp16', place: 'Kijai/VEnhancer-fp16' },
  },

  input: 'Model files',
  choose: 'Choose the files',
  drop: 'or drop them here',
  missing: (what: string) => `Still missing: ${what}.`,
  kinds: {
    network: 'the VEnhancer checkpoint',
    autoencoder: 'the autoencoder',
    'text-encoder': 'the text encoder',
  } satisfies Record<CheckpointKind, string>,
  unusable: 'Can’t be used',
  forget: 'Clear',
  precision: 'Size on this machine',
  precisions: {
    compact: 'Compact: 4-bit and 8-bit weights',
    balanced: 'Balanced: 8-bit weights',
    exact: 'Exact: as the files have it',
  } satisfies Record<Precision, string>,
  needs: (name: string, size: string) => `${name}, ${size}`,
  packed: (name: string, size: string) => `A finished package: ${name}, ${size}.`,
  package: 'Files of a package that was exported here, or written by npm run pack, are taken as they are.',
  install: 'Import',
  cancel: 'Cancel',
  works: {
    inspect: 'Looking at the files…',
    install: 'Converting',
    verify: 'Verifying',
    export: 'Exporting',
    remove: 'Deleting',
  } satisfies Record<ModelWork, string>,
  preparing: 'Reading the weights…',
  failed: 'The model could not be changed',

  prompt: 'Prompt',
  promptPlaceholder: 'a good video',
  promptHint: 'What the clip shows. The model adds words for quality by itself.',
  negative: 'Negative prompt',
  negativePlaceholder: 'the model’s own',
  guidance: 'Guidance',
  guidanceHint: 'How closely to follow the prompt; 1 is twice as fast and ignores the negative one.',
  stepPlan: 'Step plan',
  stepPlans: { fast: 'Fast: 14 evaluations', normal: 'Even, as many as steps' } satisfies Record<StepPlan, string>,
  scaleCondition: 'Scale that the model is told',
  scaleConditions: {
    released: '8, as released',
    factor: 'The real factor, as in the paper',
  } satisfies Record<ScaleCondition, string>,
};
