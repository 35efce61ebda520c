/** A business that a person works for. */
export type WorksFor = { business_id: string; name: string; role: 'agent' | 'manager' };

/** This says who the user of this window is. */
export type Identity = {
  user_id: string;
  name: string;
  works_for: readonly WorksFor[];
  /** Without a login server, the user has brought this token. */
  token?: string;
};

const KEY = 'kaha-chat identity';

/** A window keeps for itself who its user is, so two windows can be two people. */
export function keepIdentity(identity: Identity): void {
  sessionStorage.setItem(KEY, JSON.stringify(identity));
}

export function forgetIdentity(): void {
  sessionStorage.removeItem(KEY);
}

export function keptIdentity(): Identity | undefined {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Identity | null;
    return kept?.user_id && Array.isArray(kept.works_for) ? kept : undefined;
  } catch (error) {
    return void error;
  }
}
