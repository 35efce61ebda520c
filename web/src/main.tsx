import { render } from 'preact';
import { App } from './app/app.tsx';
import { loadDirectory } from './app/directory.ts';
import { loadSettings } from './app/settings.ts';
import { followClicks } from './devices/browser-pushes.ts';

followClicks();
const settings = await loadSettings();
const directory = await loadDirectory(settings.login_url);
render(
  <App settings={settings} directory={directory} />,
  document.getElementById('page') as HTMLElement,
);
