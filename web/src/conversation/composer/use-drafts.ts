import { useSession } from '../../app/session.ts';
import { createDrafts, type Drafts } from './drafts.ts';

/** The drafts of a session are there for as long as the session is. */
const draftsOf = new WeakMap<object, Drafts>();

/** Returns the drafts of the user. */
export function useDrafts(): Drafts {
  const { chat, userId } = useSession();
  const drafts = draftsOf.get(chat) ?? createDrafts(storage(), userId);
  draftsOf.set(chat, drafts);
  return drafts;
}

/** A browser that refuses the page all storage throws when it is named. */
function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch (error) {
    return void error;
  }
}
