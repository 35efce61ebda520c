import { useEffect, useState } from 'preact/hooks';
import type { AgentStatus, Availability } from '../../../clients/js/src/index.ts';
import { useSession } from '../app/session.ts';
import { listAgents } from './list-agents.ts';

/** Nobody tells when a grace begins or ends, so it is asked for this often. */
const REFRESH_MS = 30_000;

type Own = {
  /** This is undefined until the server has told it. */
  availability: Availability | undefined;
  /** The user has said this, even if the server has not answered yet. */
  status: AgentStatus | undefined;
  set(status: AgentStatus): Promise<void>;
};

/** Returns whether the user says that they are available, and whether they really are. */
export function useAvailability(businessId: string): Own {
  const { businesses, chat, userId } = useSession();
  const [availability, setAvailability] = useState<Availability>();
  useEffect(() => {
    let isOver = false;
    const read = async (): Promise<void> => {
      const agents = await listAgents(businesses, businessId);
      const own = agents.find(({ user_id: id }) => id === userId);
      if (own && !isOver) setAvailability(own);
    };
    // What cannot be read now is read with the next session, or a little later.
    const tryRead = (): void => void read().catch((error: unknown) => void error);
    tryRead();
    const timer = setInterval(tryRead, REFRESH_MS);
    const end = chat.on('session', tryRead);
    return () => {
      isOver = true;
      clearInterval(timer);
      end();
    };
  }, [businesses, chat, userId, businessId]);
  const [wanted, setWanted] = useState<AgentStatus>();
  const set = async (status: AgentStatus): Promise<void> => {
    setWanted(status);
    try {
      setAvailability(await businesses.setAvailability(businessId, status));
    } finally {
      setWanted(undefined);
    }
  };
  return { availability, status: wanted ?? availability?.status, set };
}
