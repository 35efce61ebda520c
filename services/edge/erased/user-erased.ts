import { CLOSE, type CloseCode, KahaError } from '../../../shared/errors.ts';

/** The token is good, but its user was erased. Every door refuses the user for good. */
export class UserErased extends KahaError {
  constructor() {
    super('UNAUTHENTICATED', 'The user was erased');
  }
}

/** A socket whose token is refused so is closed with this code. */
export function closeCodeOf(error: KahaError): CloseCode {
  return error instanceof UserErased ? CLOSE.KICKED : CLOSE.BAD_TOKEN;
}
