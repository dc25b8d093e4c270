// Written by server/web/embed.sh from the files in server/web; change those.
// swift-format-ignore-file

/// The pages, so that the program runs from anywhere. `--web DIR` replaces them.
enum EmbeddedWeb {
    static let files: [String: String] = [
        "credit.mustache": #"""
{{> head}}
<p class="quiet">A cobblestone is 1/200 of the work of one day at 1 GFLOP/s. Credit follows from the work
unit, never from what a host says, and only for results that were found valid. The recent average is in
cobblestones per day: what is a week old counts half.</p>
<p class="balance {{balanceKind}}">{{balance}}</p>
<p class="quiet">{{note}}</p>
<div class="scroll" tabindex="0">
<table>
<thead><tr><th>Volunteer</th>
<th>Host</th>
<th>Team</th>
<th class="number">Credit</th>
<th class="number">Recent average</th>
<th class="number">Valid</th>
<th class="number">Invalid</th>
<th class="number">Errors</th>
<th class="number">Working on</th>
<th class="number">GFLOP/s per core</th>
<th>Last seen</th></tr></thead>
<tbody>
{{#hosts}}
<tr class="{{kind}}"><td>{{volunteer}}</td>
<td>{{host}}</td>
<td>{{team}}</td>
<td class="number">{{credit}} <span class="quiet">{{provisional}}</span></td>
<td class="number">{{recent}}</td>
<td class="number">{{valid}}</td>
<td class="number">{{invalid}}</td>
<td class="number">{{errors}}</td>
<td class="number">{{inProgress}}</td>
<td class="number">{{gflops}}</td>
<td class="when">{{lastSeen}}</td></tr>
{{/hosts}}
</tbody>
<tfoot><tr><th>All hosts</th><td></td>
<td></td>
<td class="number">{{total}}</td>
<td colspan="7">{{entries}} entries in the ledger</td></tr></tfoot>
</table>
</div>
{{> foot}}
"""#,
        "foot.mustache": #"""
</main>
<footer>
<p>Millrace. Key {{fingerprint}}. {{#now}}Page made {{now}}.{{/now}}</p>
</footer>
</body>
</html>
"""#,
        "head.mustache": #"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{#refresh}}<meta http-equiv="refresh" content="{{refresh}}">{{/refresh}}
<title>{{heading}} · {{site}}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header>
<a class="site" href="/">{{site}}</a>
<nav>
<a href="/"{{#onStatus}} aria-current="page"{{/onStatus}}>Projects</a>
<a href="/validation"{{#onValidation}} aria-current="page"{{/onValidation}}>Validation</a>
<a href="/credit"{{#onCredit}} aria-current="page"{{/onCredit}}>Credit</a>
</nav>
</header>
<main>
<h1>{{heading}}</h1>
"""#,
        "refusal.mustache": #"""
{{> head}}
<p>{{message}}.</p>
{{#advice}}<p class="quiet">{{advice}}.</p>{{/advice}}
<p><a href="/">All projects</a></p>
{{> foot}}
"""#,
        "status.mustache": #"""
{{> head}}
{{^batches}}
<p class="empty">Nothing has been submitted yet. A scientist begins with <code>millrace submit</code>.</p>
{{/batches}}
{{#batches}}
<article class="card">
<div class="cardhead">
<h2>{{title}}</h2>
<span class="badge {{state}}">{{state}}</span>
</div>
<p class="quiet">Batch {{number}}, project {{project}}, app {{app}}, submitted {{created}}{{#finished}},
finished {{finished}}{{/finished}}</p>
{{#about}}<p class="about">{{about}}</p>{{/about}}
{{#scienceArea}}<p class="quiet">Science area: {{scienceArea}}. Licence of the answer: {{licence}}.</p>{{/scienceArea}}
{{#reason}}<p class="reason">{{reason}}</p>{{/reason}}
<svg class="bar" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img"
 aria-label="{{percent}} of the work units have ended">
<rect class="all" x="0" y="0" width="1000" height="24"></rect>
{{#segments}}<rect class="{{kind}}" x="{{x}}" y="0" width="{{width}}" height="24"></rect>{{/segments}}
</svg>
<p class="figures"><b>{{percent}}</b> of {{total}} work units{{#splitting}} so far, more are being
made{{/splitting}}{{#pace}}, {{pace}}{{/pace}}</p>
<dl class="counts">
{{#counts}}<div><dt><i class="dot {{kind}}"></i>{{word}}</dt><dd>{{count}}</dd></div>{{/counts}}
</dl>
<p class="quiet"><a href="/validation?batch={{number}}">Who agreed with whom</a></p>
{{#hasAnswer}}
<section class="answer">
<h3>Answer</h3>
{{#hasSummary}}<pre>{{#summary}}{{.}}
{{/summary}}</pre>{{/hasSummary}}
<div class="plots">
{{#plots}}
<figure><a href="{{path}}"><img src="{{path}}" alt="{{name}}"
loading="lazy"></a><figcaption>{{name}}</figcaption></figure>{{/plots}}
</div>
<ul class="files">
{{#files}}<li><a href="{{path}}">{{name}}</a></li>{{/files}}
</ul>
</section>
{{/hasAnswer}}
</article>
{{/batches}}
{{> foot}}
"""#,
        "validation.mustache": #"""
{{> head}}
{{^batch}}
<p class="empty">There is no batch to report on yet.</p>
{{/batch}}
{{#batch}}
<p class="quiet">Batch {{number}}, project {{project}}. Each work unit is computed by different volunteers; a
result counts when enough of them agree, or when a check proves it.</p>
<dl class="counts">
{{#counts}}<div><dt><i class="dot {{kind}}"></i>{{word}}</dt><dd>{{count}}</dd></div>{{/counts}}
</dl>
<p class="filters">{{#onlyDisagreed}}
<a href="/validation?batch={{number}}">Show all units</a>{{/onlyDisagreed}}{{^onlyDisagreed}}<a
href="/validation?batch={{number}}&amp;only=disagreed">Show only units with a refused
result</a>{{/onlyDisagreed}}{{#others}} <a href="/validation?batch={{.}}">Batch {{.}}</a>{{/others}}</p>
{{#unit}}<p>Only unit {{unit}} is shown. <a href="/validation?batch={{number}}">Show all units</a></p>{{/unit}}
{{^units}}<p class="empty">No unit to show.</p>{{/units}}
{{#units}}
<article class="unit">
<h2><span class="index">{{index}}</span> {{label}} <span class="badge {{kind}}">{{state}}</span></h2>
<div class="scroll" tabindex="0">
<table>
<thead><tr><th>Task</th>
<th>Volunteer</th>
<th>Host</th>
<th>Verdict</th>
<th>Differs first at</th>
<th class="number">Distance</th>
<th class="number">Allowed</th>
<th class="number">Credit</th>
<th>Reason</th></tr></thead>
<tbody>
{{#tasks}}
<tr class="{{kind}}"><td>{{ordinal}}{{#canonical}} <span class="mark" title="canonical
result">canonical</span>{{/canonical}}</td>
<td>{{volunteer}}</td>
<td>{{host}}</td>
<td class="verdict">{{state}}</td>
<td><code>{{element}}</code></td>
<td class="number">{{distance}}</td>
<td class="number">{{tolerance}}</td>
<td class="number">{{credit}}</td>
<td class="why">{{reason}}</td></tr>
{{/tasks}}
</tbody>
</table>
</div>
</article>
{{/units}}
{{#hidden}}<p class="quiet">{{hidden}} more units are in <code>millrace report validation</code>.</p>{{/hidden}}
{{/batch}}
{{> foot}}
"""#,
        "style.css": #"""
:root {
  --ground: #f6f5f1;
  --card: #ffffff;
  --ink: #22303a;
  --quiet: #5c6b75;
  --line: #dcdad2;
  --water: #2f6f8f;
  --good: #3d8361;
  --busy: #c08a2d;
  --bad: #b0483c;
  --idle: #c9cfd3;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #151b20;
    --card: #1d252b;
    --ink: #e4e8ea;
    --quiet: #9aa8b1;
    --line: #33404a;
    --water: #79b6d3;
    --good: #6fb894;
    --busy: #d9ab5c;
    --bad: #dd8376;
    --idle: #46535d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1rem; }
header {
  display: flex;
  flex-wrap: wrap;
  gap: .25rem 2rem;
  align-items: baseline;
  padding-top: 1.25rem;
  padding-bottom: .75rem;
  border-bottom: 1px solid var(--line);
}
.site { font-weight: 650; font-size: 1.1rem; color: var(--ink); text-decoration: none; }
nav { display: flex; gap: 1.25rem; }
a { color: var(--water); text-underline-offset: .2em; }
nav a { text-decoration: none; padding: .2rem 0; }
nav a[aria-current] { color: var(--ink); border-bottom: 2px solid var(--water); }
h1 { font-size: 1.6rem; font-weight: 600; margin: 1.75rem 0 1rem; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 0; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
.quiet, .empty, footer { color: var(--quiet); }
.quiet, footer { font-size: .9rem; }
.card, .unit {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
  padding: 1.1rem 1.25rem;
  margin: 0 0 1.25rem;
}
.unit { padding: .8rem 1.25rem; }
.unit h2 { font-size: 1rem; margin-bottom: .4rem; }
.index { color: var(--quiet); font-variant-numeric: tabular-nums; }
.cardhead { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; justify-content: space-between; }
.badge {
  font-size: .8rem;
  font-weight: 500;
  padding: .1rem .6rem;
  border-radius: 1rem;
  border: 1px solid currentColor;
  white-space: nowrap;
}
.badge.running, .badge.assembling, .badge.active, .badge.comparing { color: var(--busy); }
.badge.finished, .badge.validated, .badge.assembled { color: var(--good); }
.badge.failed { color: var(--bad); }
.badge.cancelled, .badge.ready { color: var(--quiet); }
.reason { color: var(--bad); }
.bar { display: block; width: 100%; height: .8rem; border-radius: .4rem; margin: .9rem 0 .5rem; }
.bar .all { fill: var(--idle); opacity: .45; }
.bar .validated { fill: var(--good); }
.bar .provisional { fill: var(--good); opacity: 0.55; }
.bar .comparing { fill: var(--water); }
.bar .active { fill: var(--busy); }
.bar .failed { fill: var(--bad); }
.figures { margin: .25rem 0 .75rem; }
.counts { display: flex; flex-wrap: wrap; gap: .4rem 1.75rem; margin: .5rem 0; }
.counts div { display: flex; gap: .45rem; align-items: baseline; }
.counts dt { color: var(--quiet); font-size: .9rem; }
.counts dd { margin: 0; font-variant-numeric: tabular-nums; font-weight: 600; }
.dot {
  display: inline-block;
  width: .6rem;
  height: .6rem;
  border-radius: 50%;
  background: var(--idle);
  margin-right: .4rem;
}
.dot.validated { background: var(--good); }
.dot.provisional { background: var(--good); opacity: 0.55; }
.dot.comparing { background: var(--water); }
.dot.active { background: var(--busy); }
.dot.failed { background: var(--bad); }
.answer { border-top: 1px solid var(--line); margin-top: 1rem; }
pre {
  overflow-x: auto;
  background: var(--ground);
  border-radius: 6px;
  padding: .75rem 1rem;
  font: .85rem/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace;
}
code { font: .85em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; }
figure img { width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 6px; }
figcaption { font-size: .8rem; color: var(--quiet); }
.files { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none; }
.filters { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.scroll {
  --behind: var(--ground);
  overflow-x: auto;
  scrollbar-width: thin;
  scrollbar-color: var(--quiet) var(--line);
  background:
    linear-gradient(to right, var(--behind) 40%, transparent) 0 0,
    linear-gradient(to left, var(--behind) 40%, transparent) 100% 0,
    linear-gradient(to right, var(--idle), transparent) 0 0,
    linear-gradient(to left, var(--idle), transparent) 100% 0;
  background-size: 2.5rem 100%, 2.5rem 100%, 1rem 100%, 1rem 100%;
  background-repeat: no-repeat;
  background-attachment: local, local, scroll, scroll;
}
.unit .scroll { --behind: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td {
  text-align: left;
  padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line);
  vertical-align: top;
}
thead th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
tfoot th, tfoot td { border-top: 1px solid var(--line); border-bottom: 0; }
td code { overflow-wrap: normal; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.why { min-width: 14rem; color: var(--quiet); }
.when { white-space: nowrap; }
tr.valid .verdict { color: var(--good); font-weight: 600; }
tr.invalid .verdict, tr.failed .verdict { color: var(--bad); font-weight: 600; }
tr.refused td:first-child { border-left: 3px solid var(--bad); padding-left: .5rem; }
.mark { font-size: .75rem; color: var(--quiet); border: 1px solid var(--line); border-radius: 4px; padding: 0 .3rem; }
.balance {
  padding: .6rem 1rem;
  border-left: 4px solid var(--good);
  background: var(--card);
  border-radius: 0 6px 6px 0;
}
.balance.bad { border-left-color: var(--bad); }
footer { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: .5rem; padding-bottom: 1.5rem; }
@media (max-width: 40rem) {
  .card, .unit { padding: .85rem .9rem; border-radius: 8px; }
  h1 { font-size: 1.35rem; margin-top: 1.25rem; }
  .scroll::before {
    content: "more columns \2192";
    display: block;
    position: sticky;
    left: 0;
    width: max-content;
    color: var(--quiet);
    font-size: .8rem;
  }
}
"""#,
    ]
}
