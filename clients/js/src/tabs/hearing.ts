import type { LineEvent } from '../engine/line.ts';
import type { Answer } from '../protocol/frames.ts';
import type { ConnectionState, TabMessage } from './tab-message.ts';

type Here = TabMessage & { say: 'here' };
type Deps = {
  /** A tab has this id among the others. */
  tab: string;
  onEvent: (event: LineEvent) => void;
  onState: (state: ConnectionState) => void;
  /** The leader has answered one of this tab's requests. */
  onAnswer: (answer: Answer) => void;
  /** The leader is alive. */
  onHere: () => void;
  /** The leader is another one than before. */
  onNewLeader: (here: Here) => void;
  /** This tab has missed events of the leader. */
  onMissed: () => void;
};

/** Returns a function that takes what the leader says to a tab that follows it. */
export function createHearing(deps: Deps): (message: TabMessage) => void {
  let leader: string | undefined;
  let number = 0;
  const meet = (here: Here): void => {
    deps.onHere();
    if (leader === here.from) return;
    leader = here.from;
    number = here.number;
    deps.onNewLeader(here);
  };
  const note = (said: TabMessage & { say: 'event' }): void => {
    number += 1;
    if (said.from === leader && number !== said.number) deps.onMissed();
    number = said.number;
    deps.onEvent(said.event);
  };
  return (message) => {
    if (message.say === 'here') meet(message);
    else if (message.say === 'event') note(message);
    else if (message.say === 'state') deps.onState(message.state);
    else if (message.say === 'answer' && message.to === deps.tab) deps.onAnswer(message);
  };
}
