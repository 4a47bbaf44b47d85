/** The look of a report: one column, both themes, readable on a phone and on paper. */
export const REPORT_STYLE = `:root{color-scheme:light dark;--paper:#f4f6f9;--card:#ffffff;--edge:#dde2e9;--ink:#1b2430;--soft:#5c6878;--accent:#1f5fbf}
@media (prefers-color-scheme:dark){:root{--paper:#0d1015;--card:#12161c;--edge:#2b333f;--ink:#e8ecf1;--soft:#9aa7b6;--accent:#86b6ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:760px;margin:0 auto;padding:40px 16px 64px}
.kind{margin:0;color:var(--accent);font-size:13px;font-weight:600}
h1{margin:2px 0 24px;font-size:32px;line-height:1.2;overflow-wrap:anywhere}
h2{margin:0 0 4px;font-size:19px}
section p{margin:0 0 14px;color:var(--soft)}
section,.tiles{background:var(--card);border:1px solid var(--edge);border-radius:14px;padding:20px;margin:0 0 16px}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:18px 16px}
dt{color:var(--soft);font-size:13px}
dd{margin:0;font-size:18px;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.picture{overflow-x:auto;text-align:center}
.picture svg{display:inline-block}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}
th,td{text-align:right;padding:6px 10px;border-bottom:1px solid var(--edge);white-space:nowrap}
th:first-child,td:first-child{text-align:left;width:100%}
th{color:var(--soft);font-size:13px;font-weight:600}
pre{margin:12px 0 0;overflow-x:auto;font:14px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (max-width:560px){.picture{text-align:left}.picture svg{max-width:none!important}}
@media print{body{background:none}section,.tiles{break-inside:avoid}}`;
