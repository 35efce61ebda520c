import Type, { type Static } from 'typebox';
import { BusinessIdField, CursorField, PageLimitField } from './scalars.ts';

/** Agents and managers ask for a page of the inbox of a business with this request. */
export const InboxRequest = Type.Object(
  {
    business_id: BusinessIdField,
    view: Type.Union([
      Type.Literal('waiting'),
      Type.Literal('mine'),
      Type.Literal('assigned'),
      Type.Literal('closed'),
    ]),
    limit: Type.Optional(PageLimitField),
    cursor: Type.Optional(CursorField),
  },
  { additionalProperties: false },
);
export type InboxRequest = Static<typeof InboxRequest>;
