/** The style of a report's page. Colours have a contrast of at least 4.5 to 1 against what is behind them, in both schemes. */
export const STYLE = `
:root{color-scheme:light dark;--page:#ffffff;--panel:#f4f6f8;--text:#1b1f24;--muted:#57606a;--line:#d0d7de;--link:#0550ae;--inside:#2f6fb5;--beyond:#c2410c;--hatch:#ffffff;--levels:#57606a;--ends:#1b1f24;--bar:#f3c6a5}
@media (prefers-color-scheme:dark){:root{--page:#12161b;--panel:#1b2128;--text:#e8ecf0;--muted:#a3adb8;--line:#36404a;--link:#8cc2ff;--inside:#6aa9ec;--beyond:#ff9a5c;--hatch:#12161b;--levels:#a3adb8;--ends:#e8ecf0;--bar:#6b3a1a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
header,main{max-width:76rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.5rem}
main{padding-bottom:3rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.25rem;margin:2rem 0 .75rem}
h3{font-size:1rem;line-height:1.35;margin:0;overflow-wrap:anywhere}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:2px}
.skip{position:absolute;left:-100vw}
.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem;z-index:1}
.lead{margin:0 0 1rem;font-size:1.05rem;max-width:46rem}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:0}
.tiles div{background:var(--panel);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .9rem}
dt{color:var(--muted);font-size:.85rem}
dd{margin:0}
.tiles dd{font-size:1.3rem;font-variant-numeric:tabular-nums}
.guide{margin-top:1.25rem;border:1px solid var(--line);border-radius:.5rem;padding:0 1rem}
.guide summary{padding:.75rem 0;cursor:pointer;font-weight:600}
.guide dl,.guide p{max-width:46rem;margin:0 0 1rem}
.guide dt{color:var(--text);font-weight:600;font-size:1rem}
.guide dd{margin:0 0 .6rem}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{padding:.45rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tbody tr:last-child>*{border-bottom:0}
tbody th{font-weight:400;overflow-wrap:anywhere;min-width:9rem}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
thead th{white-space:normal;background:var(--panel);color:var(--muted);font-weight:600;vertical-align:bottom}
.harm{position:relative;min-width:6rem}
.harm .bar{position:absolute;right:0;top:.25rem;bottom:.25rem;background:var(--bar);border-radius:.2rem 0 0 .2rem}
.harm span+span{position:relative}
.hint{color:var(--muted);font-size:.85rem;margin:.4rem 0 0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:1rem}
article{border:1px solid var(--line);border-radius:.5rem;padding:.9rem 1rem;min-width:0}
article:target{border-color:var(--link);box-shadow:0 0 0 2px var(--link)}
.place{display:inline-block;min-width:1.6em;padding:0 .4em;border-radius:.8em;background:var(--panel);border:1px solid var(--line);text-align:center;font-size:.85rem;font-variant-numeric:tabular-nums}
.meta{color:var(--muted);font-size:.85rem;margin:.25rem 0 .5rem;overflow-wrap:anywhere}
figure{margin:0}
svg{display:block;width:100%;height:auto}
figcaption{color:var(--muted);font-size:.8rem}
.inside{fill:var(--inside)}
.beyond{fill:var(--beyond)}
.hatch-line{stroke:var(--hatch);stroke-width:1.6}
.casing{stroke:var(--page);stroke-width:2;opacity:.75;fill:none}
.grid{stroke:var(--levels);stroke-width:.8;fill:none}
.ends{stroke:var(--ends);stroke-width:1.6;fill:none}
.axis{stroke:var(--muted);stroke-width:.8;fill:none}
svg text{fill:var(--text);font-size:11px;font-family:inherit}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.4rem .8rem;margin:.6rem 0 0}
.facts dd{font-variant-numeric:tabular-nums}
.findings{margin:.6rem 0 0;padding-left:1.1rem;overflow-wrap:anywhere}
@media (max-width:48rem){.optional{display:none}tbody th{min-width:7rem}.harm{min-width:4.5rem}th,td{padding:.45rem .5rem}}
@media print{.scroll{overflow:visible}article{break-inside:avoid}}
`.trim();
