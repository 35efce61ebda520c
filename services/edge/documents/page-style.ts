/**
 * This is the whole style of `/docs/socket`. It uses system fonts, has a light and a dark
 * theme, and loads nothing from other hosts.
 */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --quiet: #5b6577; --line: #dfe3ea; --paper: #fff;
  --side: #f6f7f9; --link: #0b57c2; --code: #eef1f5; --send: #0b6e4f; --receive: #0b57c2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --quiet: #9aa4b5; --line: #2c3442;
  --paper: #12161d; --side: #181d26; --link: #7fb2ff; --code: #222936; --send: #58c79f;
  --receive: #7fb2ff; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; display: grid; grid-template-columns: 21rem minmax(0, 1fr); color: var(--ink);
  background: var(--paper); font: 15px/1.55 system-ui, sans-serif; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.25rem 1rem 2rem;
  background: var(--side); border-right: 1px solid var(--line); font-size: 13px; }
nav h1 { font-size: 1.15rem; margin: 0 0 .25rem; }
nav h2, nav h3 { font-size: .75rem; text-transform: uppercase; letter-spacing: .06em;
  color: var(--quiet); margin: 1.25rem 0 .35rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: block; padding: .12rem .35rem; border-radius: 4px; color: inherit;
  text-decoration: none; overflow-wrap: anywhere; }
nav li a:hover, nav li a:focus-visible { background: var(--code); }
main { padding: 2rem clamp(1rem, 4vw, 3.5rem) 6rem; max-width: 62rem; }
main h2 { font-size: 1.6rem; margin: 3rem 0 .5rem; }
main h2:first-child { margin-top: 0; }
article { border-top: 1px solid var(--line); padding: 1.25rem 0 .5rem; }
article:target { background: linear-gradient(90deg, var(--code), transparent 60%); }
h3 { font-size: 1.05rem; margin: 0 0 .35rem; overflow-wrap: anywhere; }
h4 { font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; color: var(--quiet);
  margin: 1rem 0 .35rem; }
p { margin: .35rem 0; }
a { color: var(--link); }
code, .path { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { background: var(--code); border-radius: 3px; padding: .05em .3em; font-size: .88em; }
b.receive, b.send { font-size: .72em;
  letter-spacing: .03em; text-transform: uppercase; display: inline-block; min-width: 3.6em; }
b.send { color: var(--send); } b.receive { color: var(--receive); }
pre { background: var(--code); padding: .75rem; border-radius: 6px; overflow-x: auto;
  font-size: .85em; }
.quiet, .optional { color: var(--quiet); font-size: .88em; }
.optional { display: block; font-weight: 400; }
table { border-collapse: collapse; width: 100%; margin: .35rem 0 .75rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0;
  border-top: 1px solid var(--line); }
th { width: 13rem; font-weight: 600; }
thead th { width: auto; }
main > h3 { margin-top: 2rem; }
main > table { display: block; overflow-x: auto; }
summary { cursor: pointer; }
td table { margin: .35rem 0; }
.choices { padding-left: 1.25rem; }
@media (max-width: 52rem) { body { display: block; } nav { position: static; height: 13rem;
  border-right: 0; border-bottom: 1px solid var(--line); } th { width: 9rem; } }
@media print { nav { display: none; } body { display: block; } }
`;
