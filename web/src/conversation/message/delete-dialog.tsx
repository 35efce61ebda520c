import { Dialog } from '../../parts/dialog.tsx';

type Props = { onDelete: () => void; onClose: () => void };

/** Asks before a message is deleted, because nobody can bring it back. */
export function DeleteDialog({ onDelete, onClose }: Props) {
  return (
    <Dialog title="Delete this message?" onClose={onClose}>
      <p>It is deleted for everybody in this conversation.</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="button danger" onClick={onDelete}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
