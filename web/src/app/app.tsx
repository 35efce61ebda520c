import { useState } from 'preact/hooks';
import { Notices } from '../parts/notices.tsx';
import { Welcome } from '../welcome/welcome.tsx';
import { Chat } from './chat.tsx';
import type { Directory } from './directory.ts';
import { forgetIdentity, type Identity, keepIdentity, keptIdentity } from './identity.ts';
import { SessionContext } from './session.ts';
import type { PageSettings } from './settings.ts';
import { startSession } from './start-session.ts';

type Props = { settings: PageSettings; directory: Directory };

/** The page asks who the user is, and then chats as that person until they leave. */
export function App({ settings, directory }: Props) {
  const start = (identity: Identity) =>
    startSession({ identity, settings, directory, onLeave: leave });
  const [session, setSession] = useState(() => {
    const kept = keptIdentity();
    return kept && start(kept);
  });
  function leave(): void {
    forgetIdentity();
    history.replaceState(null, '', '#/');
    setSession(undefined);
  }
  const begin = (identity: Identity): void => {
    keepIdentity(identity);
    setSession(start(identity));
  };
  return (
    <>
      {session ? (
        <SessionContext.Provider value={session}>
          <Chat key={session.userId} />
        </SessionContext.Provider>
      ) : (
        <Welcome
          directory={directory}
          hasLogin={settings.login_url !== undefined}
          onChosen={begin}
        />
      )}
      <Notices />
    </>
  );
}
