import type { ShownMessage } from '../../../../clients/js/src/index.ts';

type Attachment = { kind: 'image' | 'file' | 'voice'; label: string; facts: string[] };

const LABELS = { image: 'Picture', file: 'File', voice: 'Voice message' } as const;
const FACTS_MAX = 6;
const FACT_CHARACTERS_MAX = 120;

/** Describes what a message carries beside its text. All of its metadata is shown as text. */
export function attachmentOf({
  message_type: type,
  metadata,
}: ShownMessage): Attachment | undefined {
  if (type !== 'image' && type !== 'file' && type !== 'voice') return undefined;
  const facts = Object.entries(metadata ?? {})
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .slice(0, FACTS_MAX)
    .map(([name, value]) => shortened(`${name.replaceAll('_', ' ')}: ${value}`));
  return { kind: type, label: LABELS[type], facts };
}

function shortened(text: string): string {
  const characters = [...text];
  if (characters.length <= FACT_CHARACTERS_MAX) return text;
  return `${characters.slice(0, FACT_CHARACTERS_MAX).join('')} …`;
}
