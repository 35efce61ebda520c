import { useValue } from '../app/use-value.ts';
import { Icon } from './icon.tsx';
import { dismiss, notices } from './notice.ts';

/** Shows the notices, each until it is dismissed or its time is over. */
export function Notices() {
  const shown = useValue(notices);
  return (
    <div class="notices" role="status">
      {shown.map(({ id, text }) => (
        <p key={id} class="notice" dir="auto">
          {text}
          <button
            type="button"
            class="icon-button"
            aria-label="Dismiss"
            onClick={() => dismiss(id)}
          >
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  );
}
