import { sayConnection } from './say-connection.ts';
import { useSession } from './session.ts';
import { useValue } from './use-value.ts';

/** A badge says how the connection stands, and a switch takes the network away. */
export function Connection() {
  const { chat, network } = useSession();
  const state = useValue(chat.state);
  const isOn = useValue(network.isOn);
  const { kind, text } = sayConnection(state, isOn);
  const toggle = (): void => {
    network.set(!isOn);
    if (!isOn) void chat.connect();
  };
  return (
    <div class="connection">
      <span class={`connection-state connection-${kind}`} role="status">
        {text}
      </span>
      <button
        type="button"
        class="connection-switch"
        role="switch"
        aria-checked={!isOn}
        onClick={toggle}
      >
        Offline
      </button>
    </div>
  );
}
