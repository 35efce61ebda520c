import type { Bus } from '../../../shared/nats/bus.ts';
import type { ServiceDeps } from '../../../shared/process/boot.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import { createAskNames } from './ask-names.ts';
import {
  createLookUpNames,
  createOweNames,
  type LookUpNames,
  type OweNames,
} from './conversation-view.ts';
import { LateNames } from './late-names.ts';
import { createNameLookUp } from './profile-names.ts';
import { createNameSystemMessages, type NameSystemMessages } from './system-names.ts';

type Given = { bus: Bus; closers: Closers; deps: ServiceDeps };

/** The parts of an edge put names in by these. */
export type NameParts = {
  nameSystemMessages: NameSystemMessages;
  lookUpNames: LookUpNames;
  oweNames: OweNames;
};

export function createNames({ bus, closers, deps }: Given): NameParts {
  const askNames = createAskNames({ bus, logger: deps.logger });
  const late = new LateNames({ ...deps, bus, askNames });
  closers.push('late names', () => late.close());
  const lookUp = createNameLookUp({ askNames, late });
  return {
    nameSystemMessages: createNameSystemMessages(lookUp),
    lookUpNames: createLookUpNames(lookUp),
    oweNames: createOweNames(late),
  };
}
