import { partsOf } from './links.ts';

type Props = { text: string; tabIndex: number };

/** Shows what somebody wrote, as text. Addresses of web pages in it are links. */
export function MessageText({ text, tabIndex }: Props) {
  return (
    <p class="bubble-text" dir="auto">
      {partsOf(text).map(({ text: shown, at, address }) =>
        address === undefined ? (
          shown
        ) : (
          <a key={at} href={address} target="_blank" rel="noopener noreferrer" tabIndex={tabIndex}>
            {shown}
          </a>
        ),
      )}
    </p>
  );
}
