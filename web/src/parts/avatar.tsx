import { useState } from 'preact/hooks';
import { hueOf, initialsOf } from './initials.ts';

type Props = { id: string; name: string; url?: string | undefined };

/**
 * Shows a picture of somebody, or their initials in a colour that is always the same for an id. It
 * says nothing to a screen reader, because the name stands beside it.
 */
export function Avatar({ id, name, url }: Props) {
  const [failedUrl, setFailedUrl] = useState<string>();
  const [loadedUrl, setLoadedUrl] = useState<string>();
  const isShown = url !== undefined && url !== failedUrl && /^https?:\/\//.test(url);
  return (
    <span class={`avatar hue-${hueOf(id)}`} aria-hidden="true">
      {(!isShown || loadedUrl !== url) && initialsOf(name)}
      {isShown && (
        <img
          src={url}
          alt=""
          loading="lazy"
          onLoad={() => setLoadedUrl(url)}
          onError={() => setFailedUrl(url)}
        />
      )}
    </span>
  );
}
