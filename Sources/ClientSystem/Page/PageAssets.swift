/// The files of the page. All of its looks and its one script are here: nothing comes from anywhere else.
package enum PageAssets {
    /// Asks every two seconds while somebody looks, and puts in what is new. Without it the page works all the same.
    package static let script = """
        "use strict";
        (() => {
          const link = document.getElementById("link");
          const shown = {};
          let misses = 0;
          const put = (name, html) => {
            const place = document.getElementById(name);
            if (!place || shown[name] === html) return;
            // Whoever is about to press a button must not lose it.
            if (place.contains(document.activeElement) && document.activeElement !== document.body) return;
            const open = [...place.querySelectorAll("details[open][data-keep]")].map((d) => d.dataset.keep);
            place.innerHTML = html;
            for (const keep of open) {
              const details = place.querySelector(`details[data-keep="${keep}"]`);
              if (details) details.open = true;
            }
            shown[name] = html;
          };
          const look = async () => {
            if (document.visibilityState !== "visible") return;
            try {
              const answer = await fetch("state.json", { cache: "no-store", credentials: "same-origin" });
              if (answer.status === 503) throw new Error("busy");
              if (!answer.ok) throw new Error("closed");
              const state = await answer.json();
              for (const [name, html] of Object.entries(state.parts)) put(name, html);
              misses = 0;
              link.textContent = "";
            } catch {
              misses += 1;
              if (misses > 1) {
                link.textContent =
                  "The client does not answer: it has ended, or closed this page. "
                  + "`millrace-client page` opens it again.";
              }
            }
          };
          setInterval(look, 2000);
          document.addEventListener("visibilitychange", look);
          // A pressed button keeps the focus, and would keep its part from being renewed.
          document.addEventListener("click", () => setTimeout(() => {
            if (document.activeElement instanceof HTMLButtonElement) document.activeElement.blur();
          }, 500));
        })();

        """

    package static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#2f6f8f"/>\
        <path d="M16 4v24M4 16h24M7.5 7.5l17 17M24.5 7.5l-17 17" stroke="#fff" stroke-width="2.5"/>\
        <circle cx="16" cy="16" r="5" fill="#fff"/></svg>

        """

    package static let style = """
        :root {
          --ground: #f6f5f1; --card: #ffffff; --ink: #22303a; --quiet: #5c6b75; --line: #dcdad2;
          --water: #2f6f8f; --good: #2f7553; --busy: #8f6414; --bad: #b0483c; --idle: #e6e7e4;
          color-scheme: light dark;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #151b20; --card: #1d252b; --ink: #e4e8ea; --quiet: #9aa8b1; --line: #33404a;
            --water: #79b6d3; --good: #6fb894; --busy: #d9ab5c; --bad: #dd8376; --idle: #2a343c;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--ground); color: var(--ink);
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
        }
        header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1rem; }
        header { display: flex; flex-wrap: wrap; gap: 0 2rem; align-items: baseline; padding-top: 1rem; }
        header p { margin: 0; color: var(--bad); }
        h1 { font-size: 1.3rem; font-weight: 650; margin: 0 0 .9rem; }
        h1 .quiet { font-weight: 400; font-size: 1rem; }
        h2 { font-size: 1.05rem; font-weight: 600; margin: 0 0 .6rem; }
        .quiet, footer, dt { color: var(--quiet); font-size: .9rem; }
        .card {
          background: var(--card); border: 1px solid var(--line); border-radius: 10px;
          padding: 1rem 1.25rem; margin: 0 0 1rem; min-width: 0;
        }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 0 1rem; }
        .pair .card { display: flow-root; }
        p { margin: .3rem 0; overflow-wrap: anywhere; }
        .sentence { font-size: 1.3rem; font-weight: 600; margin: 0 0 .5rem; padding-left: 1.6rem; position: relative; }
        .sentence::before {
          content: ""; position: absolute; left: 0; top: .45em; width: .9rem; height: .9rem; border-radius: 50%;
          background: var(--busy);
        }
        .sentence.good::before { background: var(--good); }
        .sentence.bad::before { background: var(--bad); }
        .reasons { margin: .25rem 0 .5rem; padding-left: 1.6rem; }
        .bad { color: var(--bad); }
        .said { border-left: 3px solid var(--good); padding: .1rem .75rem; }
        .said.bad { border-color: var(--bad); }
        .facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
        .facts dd { margin: 0; font-size: .9rem; overflow-wrap: anywhere; }
        .acts { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .9rem; }
        form { margin: 0; }
        button {
          font: inherit; font-size: .9rem; color: var(--ink); background: var(--ground); cursor: pointer;
          border: 1px solid var(--line); border-radius: 7px; padding: .35rem .8rem;
        }
        button:hover, button:focus-visible { border-color: var(--water); outline: none; }
        button.main { background: var(--water); color: var(--card); border-color: var(--water); }
        .tasks, .science { list-style: none; margin: 0; padding: 0; }
        .tasks li, .science li { padding: .6rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
        .tasks li:first-child, .science li:first-child { border-top: 0; padding-top: 0; }
        .taskhead { display: flex; flex-wrap: wrap; gap: .1rem .6rem; align-items: baseline; }
        .progress button { padding: .1rem .6rem; }
        .progress { display: flex; gap: .75rem; align-items: center; }
        .progress span { min-width: 3.2rem; text-align: right; font-variant-numeric: tabular-nums; }
        progress {
          appearance: none; -webkit-appearance: none; flex: 1; min-width: 0; height: .7rem; border: 0;
          border-radius: .35rem; background: var(--idle); overflow: hidden;
        }
        progress::-webkit-progress-bar { background: var(--idle); border-radius: .35rem; }
        progress::-webkit-progress-value { background: var(--water); border-radius: .35rem; }
        progress::-moz-progress-bar { background: var(--water); border-radius: .35rem; }
        progress.good::-webkit-progress-value { background: var(--good); }
        progress.good::-moz-progress-bar { background: var(--good); }
        .big { font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
        .big small { font-size: .95rem; font-weight: 400; color: var(--quiet); }
        figure { margin: .4rem 0; }
        .chart {
          display: block; width: 100%; height: 8rem; margin: .3rem 0 .2rem; border-bottom: 1px solid var(--line);
        }
        .chart .bar { fill: var(--water); }
        .chart .ground { fill: var(--idle); opacity: .45; }
        .chart g:hover .bar { fill: var(--good); }
        .axis { display: flex; justify-content: space-between; }
        .counts { display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: 0 0 .8rem; }
        .counts dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
        .area {
          font-size: .8rem; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .55rem; color: var(--good);
        }
        table { border-collapse: collapse; width: 100%; font-size: .92rem; }
        th { text-align: left; font-weight: 500; color: var(--quiet); font-size: .85rem; }
        th, td {
          padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
          overflow-wrap: anywhere;
        }
        tr:last-child td { border-bottom: 0; }
        .number { text-align: right; font-variant-numeric: tabular-nums; }
        .number + :not(.number) { padding-left: 1.2rem; }
        summary { cursor: pointer; color: var(--quiet); font-size: .9rem; }
        summary h2 { display: inline; color: var(--ink); }
        details[open] summary { margin-bottom: .5rem; }
        code { font: .88em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
        @media (max-width: 40rem) {
          .card { padding: .85rem .9rem; }
          .sentence { font-size: 1.12rem; }
          .facts { grid-template-columns: 1fr; gap: 0; }
          .facts dd { margin-bottom: .35rem; }
          table.wide thead { display: none; }
          table.wide tr { display: block; border-bottom: 1px solid var(--line); padding: .4rem 0; }
          table.wide tr:last-child { border-bottom: 0; }
          table.wide td {
            display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .1rem 0; text-align: right;
          }
          table.wide td:not(:first-child) { padding-left: 0; }
          table.wide td:first-child { display: block; text-align: left; }
          table.wide td:not(:first-child)::before { content: attr(data-name); color: var(--quiet); }
        }

        """
}
