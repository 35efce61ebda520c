import Type from 'typebox';
import { ConversationIdField } from '../../../shared/protocol/scalars.ts';

/** No parameters, or no query. */
export const Nothing = Type.Object({}, { additionalProperties: false });
export const ConversationParams = Type.Object({ conversation_id: ConversationIdField });
