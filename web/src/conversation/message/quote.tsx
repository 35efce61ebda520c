import type { ReplyPreview } from '../../../../clients/js/src/index.ts';
import { attachmentOf } from './attachment-facts.ts';

type Props = {
  quoted: ReplyPreview;
  senderName: string;
  tabIndex: number;
  onOpen: (messageId: string) => void;
};

/** Shows the message that another one replies to. A press leads to it. */
export function Quote({ quoted, senderName, tabIndex, onOpen }: Props) {
  return (
    <button
      type="button"
      class="quote"
      tabIndex={tabIndex}
      onClick={() => onOpen(quoted.message_id)}
    >
      <span class="hidden">In reply to </span>
      <span class="quote-sender" dir="auto">
        {senderName}
      </span>
      <span class="quote-text" dir="auto">
        {quotedText(quoted)}
      </span>
    </button>
  );
}

type Quotable = Pick<ReplyPreview, 'message_type' | 'deleted'> & { content?: string };

/** Says in one line what a quoted message has. */
export function quotedText({ content = '', deleted, message_type }: Quotable): string {
  if (deleted) return 'This message was deleted';
  const attachment = attachmentOf({ message_type } as Parameters<typeof attachmentOf>[0]);
  return attachment ? `${attachment.label}: ${content}` : content;
}
