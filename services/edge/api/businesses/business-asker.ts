import type { BusinessAsker } from '../../../../shared/contracts/businesses.ts';
import type { ServiceOrUser } from '../operation.ts';

/** Store judges by this what the caller may do with a business. */
export function askerOf(caller: ServiceOrUser): BusinessAsker {
  return caller.isService ? 'service' : caller.userId;
}
