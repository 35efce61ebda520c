import { useEffect, useRef } from 'preact/hooks';
import { type Said, sayConnection, sayWaiting } from './say-connection.ts';
import { useSession } from './session.ts';
import { useOutbox } from './use-outbox.ts';
import { useValue } from './use-value.ts';

function useConnection(): Said {
  const { chat, network } = useSession();
  const state = useValue(chat.state);
  const isOn = useValue(network.isOn);
  return sayConnection(state, isOn);
}

/** A badge says in a word how the connection stands. */
export function ConnectionBadge() {
  const { kind, word } = useConnection();
  return (
    <p class={`connection connection-${kind}`} role="status">
      {word}
    </p>
  );
}

/** The user takes the network away here, and gives it back. */
export function OfflineSwitch() {
  const { chat, network } = useSession();
  const isOn = useValue(network.isOn);
  const toggle = (): void => {
    network.set(!isOn);
    if (!isOn) void chat.connect();
  };
  return (
    <button type="button" class="switch" role="switch" aria-checked={!isOn} onClick={toggle}>
      Offline
    </button>
  );
}

/**
 * While something is wrong, a strip says what it is and how many messages wait. It stays until they
 * have gone out. A message that waits for a moment while all is well is not told of.
 */
export function ConnectionStrip() {
  const { kind, reason } = useConnection();
  const { waiting, failed } = useOutbox();
  const wasBad = useRef(false);
  const isShown = kind !== 'good' || (wasBad.current && waiting > 0);
  useEffect(() => {
    wasBad.current = isShown;
  });
  const texts = isShown ? [reason, sayWaiting(waiting, failed)].filter(Boolean) : [];
  return (
    <div class="strip" role="status">
      {texts.length > 0 && <p class={`strip-text strip-${kind}`}>{texts.join(' ')}</p>}
    </div>
  );
}
