import { useId, useState } from 'preact/hooks';
import { readClaims } from '../../../clients/js/src/connection/token-claims.ts';
import type { Identity } from '../app/identity.ts';

/** Where no login server is, the user brings a token, and says for which business they work. */
export function TokenForm({ onChosen }: { onChosen: (identity: Identity) => void }) {
  const [problem, setProblem] = useState<string>();
  const ids = { token: useId(), business: useId(), problem: useId() };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string): string => String(data.get(name) ?? '').trim();
    const identity = identityOf(text('token'), text('business'), data.has('manager'));
    if (identity) onChosen(identity);
    else setProblem('This is no token: it does not say whose it is.');
  };
  return (
    <form class="token-form" onSubmit={submit}>
      <label for={ids.token}>Your token</label>
      <textarea
        id={ids.token}
        name="token"
        rows={4}
        required
        spellcheck={false}
        autocomplete="off"
        aria-describedby={problem ? ids.problem : undefined}
        aria-invalid={problem !== undefined}
      />
      {problem && (
        <p id={ids.problem} class="problem" role="alert">
          {problem}
        </p>
      )}
      <label for={ids.business}>Id of the business you answer for, if you do</label>
      <input id={ids.business} name="business" autocomplete="off" />
      <label class="check">
        <input type="checkbox" name="manager" /> I manage it
      </label>
      <button type="submit" class="button primary">
        Start
      </button>
    </form>
  );
}

function identityOf(token: string, businessId: string, isManager: boolean): Identity | undefined {
  const { sub } = readClaims(token);
  if (!sub) return undefined;
  const role = isManager ? 'manager' : 'agent';
  const worksFor = businessId ? [{ business_id: businessId, name: 'Inbox', role } as const] : [];
  return { user_id: sub, name: 'You', works_for: worksFor, token };
}
