/** Opens a checkpoint of either kind by its first bytes, and says what a file is that is neither. Costs what its reader costs. */

import { EnhancerError } from '../../errors.ts';
import { type ByteSource, type Checkpoint, invalidCheckpoint } from './checkpoint.ts';
import { openPyTorch } from './pytorch.ts';
import { openSafetensors } from './safetensors.ts';

const HEAD_BYTES = 512;
/** What torch wrote before 1.6 begins with: a pickle of the number 0x1950a86a20f9469cfc6c. */
const LEGACY_MAGIC = '\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19';

/**
 * Safetensors, or a PyTorch zip checkpoint.
 * @throws EnhancerError `CHECKPOINT_INVALID` for anything else, saying what it is where that can be told.
 */
export async function openCheckpoint(file: ByteSource): Promise<Checkpoint> {
  const source = guarded(file);
  if (source.bytes === 0) throw invalidCheckpoint('The checkpoint is empty.');
  const head = String.fromCharCode(...(await source.read(0, Math.min(HEAD_BYTES, source.bytes))));
  if (head.startsWith('PK\x03\x04') || head.startsWith('PK\x05\x06')) return openPyTorch(source);
  const stranger = strangerIn(head);
  if (stranger !== undefined) throw stranger;
  return openSafetensors(source);
}

function strangerIn(head: string): EnhancerError | undefined {
  if (head.slice(2).startsWith(LEGACY_MAGIC) || head.slice(257, 262) === 'ustar') {
    return invalidCheckpoint('The checkpoint is in the format that PyTorch wrote before version 1.6.', {
      hint: 'Load it with a newer PyTorch and save it again: torch.save(torch.load("old.pt", weights_only=True), "new.pt").',
    });
  }
  if (head.charCodeAt(0) === 0x80 && head.charCodeAt(1) <= 5 && head.charCodeAt(8) !== 0x7b) {
    return invalidCheckpoint('The file is a Python pickle, but no PyTorch checkpoint.');
  }
  if (head.startsWith('version https://git-lfs')) {
    return invalidCheckpoint('The file is only a pointer to the checkpoint (Git LFS), a few lines of text.', {
      hint: "Download the checkpoint itself from the repository's page.",
    });
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(head)) {
    return invalidCheckpoint('The file is a web page, not a checkpoint.', {
      hint: "Use the page's download button, and choose the file that it saves.",
    });
  }
  // A safetensors header is JSON after eight bytes of length.
  if (head.charCodeAt(8) !== 0x7b) {
    return invalidCheckpoint('The file is neither a PyTorch checkpoint nor safetensors.');
  }
  return undefined;
}

/** A source whose failures are coded: a file may be moved or changed while it is read. */
function guarded(source: ByteSource): ByteSource {
  return {
    bytes: source.bytes,
    read: async (start, end) => {
      try {
        return await source.read(start, end);
      } catch (cause) {
        if (cause instanceof EnhancerError) throw cause;
        throw invalidCheckpoint('The checkpoint can no longer be read: it was moved, changed or removed.', {
          cause,
          hint: 'Choose the file again.',
        });
      }
    },
  };
}
