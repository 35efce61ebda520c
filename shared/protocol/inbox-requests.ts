import Type, { type Static } from 'typebox';
import { BusinessIdField, CursorField, PageLimitField } from './scalars.ts';

/** Agents and managers ask for a page of the inbox of a business with this request. */
export const InboxRequest = Type.Object(
  {
    business_id: BusinessIdField,
    view: Type.Union(
      [
        Type.Literal('waiting'),
        Type.Literal('mine'),
        Type.Literal('assigned'),
        Type.Literal('closed'),
      ],
      {
        description:
          'The page shows what waits (longest first), what the caller has, what all agents have ' +
          '(for managers), or what is closed (for managers all, for agents what they had last).',
      },
    ),
    limit: Type.Optional(PageLimitField),
    cursor: Type.Optional(CursorField),
  },
  { additionalProperties: false },
);
export type InboxRequest = Static<typeof InboxRequest>;
