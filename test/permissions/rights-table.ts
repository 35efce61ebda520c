/**
 * This table says who may do what with a conversation of a business, as the contract says it. It is
 * written by hand: each cell is the answer that a person of that standing gets, through every door
 * of the operation.
 *
 *     ok  The operation is carried out, or holds already.
 *     NP  NOT_A_PARTICIPANT    FB  FORBIDDEN    CF  CONFLICT    NF  MESSAGE_NOT_FOUND
 *     -   This person has nothing to do it with.
 *
 * The standings: `holder` has the conversation, or had it last. `former` had it before the holder.
 * `gone` had it before that, and is no agent any more. `other` never had it. `manager` has not
 * taken it. `elsewhere` manages another business. A service has a token of its own.
 */
export const STANDINGS = [
  'customer',
  'holder',
  'other',
  'former',
  'gone',
  'manager',
  'elsewhere',
  'stranger',
  'service',
] as const;
export type Standing = (typeof STANDINGS)[number];

/**
 * The conversation is in this state when somebody tries the operation. Nobody has written yet in a
 * `new` one, so it has no holder, and was with no agent before.
 */
export type RightsState = 'new' | 'assigned' | 'waiting' | 'closed';

const NEW = `
                 customer holder other former gone manager elsewhere stranger service
  get            ok       -      NP    NP     NP   ok      NP        NP       FB
  history        ok       -      NP    NP     NP   ok      NP        NP       FB
  read           ok       -      NP    NP     NP   NP      NP        NP       -
  typing         ok       -      NP    NP     NP   NP      NP        NP       -
  archive        ok       -      NP    NP     NP   NP      NP        NP       FB
  mute           ok       -      NP    NP     NP   NP      NP        NP       FB
  unmute         ok       -      NP    NP     NP   NP      NP        NP       FB
  title          FB       -      NP    NP     NP   NP      NP        NP       FB
  add            FB       -      NP    NP     NP   NP      NP        NP       FB
  remove         FB       -      NP    NP     NP   NP      NP        NP       FB
  leave          FB       -      NP    NP     NP   NP      NP        NP       FB
  take           FB       -      CF    CF     NP   CF      NP        NP       FB
  give           FB       -      NP    NP     NP   CF      NP        NP       FB
  release        FB       -      NP    NP     NP   CF      NP        NP       FB
  close          FB       -      NP    NP     NP   ok      NP        NP       FB
  reopen         FB       -      NP    NP     NP   ok      NP        NP       FB
  send           ok       -      NP    NP     NP   NP      NP        NP       FB
`;

const ASSIGNED = `
                 customer holder other former gone manager elsewhere stranger service
  get            ok       ok     NP    NP     NP   ok      NP        NP       FB
  history        ok       ok     NP    NP     NP   ok      NP        NP       FB
  send           ok       ok     NP    NP     NP   NP      NP        NP       FB
  repeat         ok       ok     -     ok     ok   -       -         -        -
  read           ok       ok     NP    NP     NP   NP      NP        NP       -
  typing         ok       ok     NP    NP     NP   NP      NP        NP       -
  archive        ok       ok     NP    NP     NP   NP      NP        NP       FB
  mute           ok       ok     NP    NP     NP   NP      NP        NP       FB
  unmute         ok       ok     NP    NP     NP   NP      NP        NP       FB
  title          FB       FB     NP    NP     NP   NP      NP        NP       FB
  add            FB       FB     NP    NP     NP   NP      NP        NP       FB
  remove         FB       FB     NP    NP     NP   NP      NP        NP       FB
  leave          FB       FB     NP    NP     NP   NP      NP        NP       FB
  get message    ok       ok     NF    NF     NF   ok      NF        NF       FB
  read message   ok       ok     NF    NF     NF   NF      NF        NF       FB
  react          ok       ok     NF    NF     NF   NF      NF        NF       FB
  take back      ok       ok     NF    NF     NF   NF      NF        NF       FB
  edit           ok       FB     NF    NF     NF   NF      NF        NF       FB
  edit theirs    FB       FB     NF    NF     NF   NF      NF        NF       FB
  delete theirs  FB       FB     NF    NF     NF   NF      NF        NF       FB
  delete         ok       FB     NF    NF     NF   NF      NF        NF       FB
  take           FB       ok     CF    CF     NP   ok      NP        NP       FB
  give           FB       ok     NP    NP     NP   ok      NP        NP       FB
  release        FB       ok     NP    NP     NP   ok      NP        NP       FB
  close          FB       ok     NP    NP     NP   ok      NP        NP       FB
  reopen         FB       CF     NP    NP     NP   CF      NP        NP       FB
`;

const WAITING = `
                 customer holder other former gone manager elsewhere stranger service
  get            ok       ok     ok    ok     NP   ok      NP        NP       FB
  history        ok       ok     ok    ok     NP   ok      NP        NP       FB
  send           ok       NP     NP    NP     NP   NP      NP        NP       FB
  repeat         ok       ok     -     ok     ok   -       -         -        -
  read           ok       NP     NP    NP     NP   NP      NP        NP       -
  typing         ok       NP     NP    NP     NP   NP      NP        NP       -
  archive        ok       NP     NP    NP     NP   NP      NP        NP       FB
  mute           ok       NP     NP    NP     NP   NP      NP        NP       FB
  unmute         ok       NP     NP    NP     NP   NP      NP        NP       FB
  title          FB       NP     NP    NP     NP   NP      NP        NP       FB
  add            FB       NP     NP    NP     NP   NP      NP        NP       FB
  remove         FB       NP     NP    NP     NP   NP      NP        NP       FB
  leave          FB       NP     NP    NP     NP   NP      NP        NP       FB
  get message    ok       ok     ok    ok     NF   ok      NF        NF       FB
  read message   ok       NF     NF    NF     NF   NF      NF        NF       FB
  react          ok       NF     NF    NF     NF   NF      NF        NF       FB
  take back      ok       NF     NF    NF     NF   NF      NF        NF       FB
  edit           ok       NF     NF    NF     NF   NF      NF        NF       FB
  edit theirs    FB       NF     NF    NF     NF   NF      NF        NF       FB
  delete theirs  FB       NF     NF    NF     NF   NF      NF        NF       FB
  delete         ok       NF     NF    NF     NF   NF      NF        NF       FB
  take           FB       ok     ok    ok     NP   ok      NP        NP       FB
  give           FB       FB     FB    FB     NP   ok      NP        NP       FB
  release        FB       ok     FB    FB     NP   ok      NP        NP       FB
  close          FB       FB     FB    FB     NP   ok      NP        NP       FB
  reopen         FB       ok     FB    FB     NP   ok      NP        NP       FB
`;

const CLOSED = `
                 customer holder other former gone manager elsewhere stranger service
  get            ok       ok     NP    NP     NP   ok      NP        NP       FB
  history        ok       ok     NP    NP     NP   ok      NP        NP       FB
  send           ok       NP     NP    NP     NP   NP      NP        NP       FB
  repeat         ok       ok     -     ok     ok   -       -         -        -
  read           ok       NP     NP    NP     NP   NP      NP        NP       -
  typing         ok       NP     NP    NP     NP   NP      NP        NP       -
  archive        ok       NP     NP    NP     NP   NP      NP        NP       FB
  mute           ok       NP     NP    NP     NP   NP      NP        NP       FB
  unmute         ok       NP     NP    NP     NP   NP      NP        NP       FB
  title          FB       NP     NP    NP     NP   NP      NP        NP       FB
  add            FB       NP     NP    NP     NP   NP      NP        NP       FB
  remove         FB       NP     NP    NP     NP   NP      NP        NP       FB
  leave          FB       NP     NP    NP     NP   NP      NP        NP       FB
  get message    ok       ok     NF    NF     NF   ok      NF        NF       FB
  read message   ok       NF     NF    NF     NF   NF      NF        NF       FB
  react          ok       NF     NF    NF     NF   NF      NF        NF       FB
  take back      ok       NF     NF    NF     NF   NF      NF        NF       FB
  edit           ok       NF     NF    NF     NF   NF      NF        NF       FB
  edit theirs    FB       NF     NF    NF     NF   NF      NF        NF       FB
  delete theirs  FB       NF     NF    NF     NF   NF      NF        NF       FB
  delete         ok       NF     NF    NF     NF   NF      NF        NF       FB
  take           FB       CF     CF    CF     NP   CF      NP        NP       FB
  give           FB       CF     NP    NP     NP   CF      NP        NP       FB
  release        FB       FB     NP    NP     NP   CF      NP        NP       FB
  close          FB       ok     NP    NP     NP   ok      NP        NP       FB
  reopen         FB       ok     NP    NP     NP   ok      NP        NP       FB
`;

const BUSINESS = `
                 customer holder other former gone manager elsewhere stranger service
  open           ok       ok     ok    ok     ok   ok      ok        ok       FB
  presence       ok       ok     ok    ok     ok   ok      ok        ok       FB
  get settings   FB       ok     ok    ok     FB   ok      FB        FB       ok
  set settings   FB       FB     FB    FB     FB   ok      FB        FB       ok
  list agents    FB       ok     ok    ok     FB   ok      FB        FB       ok
  set agent      FB       FB     FB    FB     FB   ok      FB        FB       ok
  remove agent   FB       FB     FB    FB     FB   ok      FB        FB       ok
  set agents     FB       FB     FB    FB     FB   ok      FB        FB       ok
  availability   FB       ok     ok    ok     FB   ok      FB        FB       FB
  inbox          FB       ok     ok    ok     FB   ok      FB        FB       FB
  inbox mine     FB       ok     ok    ok     FB   ok      FB        FB       FB
  inbox closed   FB       ok     ok    ok     FB   ok      FB        FB       FB
  inbox watch    FB       ok     ok    ok     FB   ok      FB        FB       -
  inbox of all   FB       FB     FB    FB     FB   ok      FB        FB       FB
`;

const CODES = {
  ok: 'ok',
  NP: 'NOT_A_PARTICIPANT',
  FB: 'FORBIDDEN',
  CF: 'CONFLICT',
  NF: 'MESSAGE_NOT_FOUND',
} as const;
type Cells = Partial<Record<Standing, string>>;
export type RightsRow = { operation: string; cells: Cells };

export const RIGHTS: Record<RightsState | 'any', readonly RightsRow[]> = {
  new: readTable(NEW),
  assigned: readTable(ASSIGNED),
  waiting: readTable(WAITING),
  closed: readTable(CLOSED),
  any: readTable(BUSINESS),
};

/** The columns stand below each other, so that a cell can be read without counting. */
function readTable(text: string): RightsRow[] {
  const [head = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '');
  const columns = STANDINGS.map((standing) => head.indexOf(standing));
  return lines.map((line) => {
    const cells: Cells = {};
    for (const [index, standing] of STANDINGS.entries()) {
      const cell = line.slice(columns[index], columns[index + 1]).trim();
      if (cell === '-') continue;
      const code = CODES[cell as keyof typeof CODES];
      if (code === undefined) throw new Error(`${line}: ${standing} has no code ${cell}`);
      cells[standing] = code;
    }
    return { operation: line.slice(0, columns[0]).trim(), cells };
  });
}
