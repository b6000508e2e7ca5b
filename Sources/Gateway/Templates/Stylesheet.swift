extension Templates {
    /// The one stylesheet. Colours meet WCAG AA in both schemes; nothing moves, so there is nothing to reduce.
    static let stylesheet = """
        :root{color-scheme:light dark;--bg:#fdfaf3;--card:#fff;--text:#211b12;--muted:#665b49;--line:#e7dfce;\
        --accent:#8a5200;--fill:#f6b021;--ink:#261a00;--soft:#f6efdf;--ok:#1b6b3d;--no:#a3341f}
        @media (prefers-color-scheme:dark){:root{--bg:#15120d;--card:#1f1b14;--text:#f4eee2;--muted:#b9ad98;\
        --line:#3b3427;--accent:#ffc861;--soft:#2a241a;--ok:#80d8a4;--no:#ff9d88}}
        *{box-sizing:border-box}
        html{scroll-padding-top:1rem;text-size-adjust:100%}
        body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--bg);color:var(--text);\
        font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
        main{flex:1;width:100%;max-width:84rem;margin:0 auto;padding:1.25rem clamp(1rem,3vw,2.5rem) 3rem}
        a{color:var(--accent);text-underline-offset:.2em}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
        h1{font-size:clamp(1.5rem,1.2rem + 1.6vw,2.25rem);line-height:1.2;margin:0 0 .4rem;font-weight:700;\
        letter-spacing:-.01em}
        h2{font-size:1.05rem;margin:0 0 .5rem}
        p,ul,dl,figure,pre{margin:0 0 .75rem}
        img{display:block;max-width:100%;height:auto}
        code,pre{font:.875em/1.5 ui-monospace,monospace}
        .skip,.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
        .skip:focus{width:auto;height:auto;clip-path:none;padding:.75rem 1rem;background:var(--card)}
        .bar{border-bottom:1px solid var(--line)}
        .brand{display:inline-flex;align-items:center;gap:.6rem;min-height:3.5rem;padding:0 clamp(1rem,3vw,2.5rem);\
        color:var(--text);font-weight:650;text-decoration:none}
        .brand path{fill:var(--fill)}
        footer{padding:1.25rem clamp(1rem,3vw,2.5rem);border-top:1px solid var(--line);color:var(--muted);font-size:.875rem}
        footer p{margin:0}
        .by{color:var(--muted);font-size:.9375rem}
        .by strong{color:var(--text);font-weight:600}
        .badge{display:inline-block;padding:.05rem .55rem;border-radius:99px;background:var(--soft);color:var(--text);\
        font-size:.8125rem;font-weight:550;overflow-wrap:normal}
        .feed{list-style:none;padding:0;display:grid;gap:1.5rem 1rem;\
        grid-template-columns:repeat(auto-fill,minmax(min(15rem,44%),1fr))}
        .small{grid-template-columns:repeat(auto-fill,minmax(7rem,1fr))}
        .card a{display:block;color:inherit;text-decoration:none;font-weight:600;line-height:1.35}
        .card img,.blank{width:100%;aspect-ratio:1;object-fit:cover;border-radius:14px;background:var(--soft);\
        display:block;margin-bottom:.55rem}
        .blank{background:var(--soft) radial-gradient(circle,var(--line) 34%,#0000 36%) 50%/2.4rem 2.4rem}
        .card .plainly{font-weight:400}
        .card a:hover .what{text-decoration:underline}
        .what{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
        .card .by{margin:.15rem 0 0;font-size:.875rem}
        .more{margin:2rem 0 0;text-align:center}
        .button{display:inline-flex;justify-content:center;align-items:center;gap:.6rem;min-height:2.75rem;padding:0 1.25rem;\
        border-radius:12px;background:var(--fill);color:var(--ink);font-weight:650;text-decoration:none}
        .button span{font-weight:450}
        .button:hover{filter:brightness(1.06)}
        .wide{display:flex;margin-bottom:.75rem}
        .empty{max-width:38rem;margin:12vh auto}
        pre,.line{padding:.7rem .9rem;border-radius:10px;background:var(--soft);overflow:auto;white-space:pre-wrap}
        .line{display:block;user-select:all}
        .tabs,.words{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.4rem}
        .tabs a,.words li{padding:.15rem .7rem;border-radius:9px;background:var(--soft);color:inherit;\
        text-decoration:none;display:block}
        .tabs [aria-current]{background:var(--fill);color:var(--ink);font-weight:600}
        .samples{list-style:none;padding:0;display:flex;gap:.75rem;overflow-x:auto;scroll-snap-type:x proximity;\
        margin:1rem 0 1.75rem}
        .samples li{flex:none;scroll-snap-align:start}
        .samples img{height:min(24rem,60vw);width:auto;max-width:88vw;object-fit:cover;border-radius:14px;background:var(--soft)}
        .columns,.image{display:grid;gap:1.5rem 2.5rem;grid-template-columns:minmax(0,1fr)}
        .box{padding:1.1rem;margin-bottom:1rem;border:1px solid var(--line);border-radius:16px;background:var(--card)}
        .box>:last-child{margin-bottom:0}
        .file{margin:0;font-weight:600}
        .plain{list-style:none;padding:0}
        .yes span{color:var(--ok)}.no span{color:var(--no)}.no{color:var(--muted)}
        .text{max-width:46rem;min-width:0}
        .text section,.text>.words{margin-bottom:1.75rem}
        .text p{white-space:pre-line}
        .quote{padding-left:.9rem;border-left:3px solid var(--fill)}
        dl{display:grid;gap:.3rem}
        dl div{display:flex;justify-content:space-between;gap:1rem}
        dl div+div{border-top:1px solid var(--line);padding-top:.3rem}
        dt{color:var(--muted)}dd{margin:0;text-align:right}
        summary{cursor:pointer;padding:.35rem 0;font-weight:600}
        table{width:100%;border-collapse:collapse;font-size:.875rem;margin-bottom:.75rem}
        th,td{padding:.35rem .75rem .35rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
        th{color:var(--muted);font-weight:500;white-space:nowrap}
        td{overflow-wrap:break-word}td code{user-select:all;word-break:break-all}
        .image figure img{width:auto;max-height:84vh;border-radius:16px}
        @media (min-width:60rem){.columns{grid-template-columns:minmax(0,1fr) 21rem}.columns aside{order:2}\
        .image{grid-template-columns:minmax(0,3fr) minmax(20rem,2fr)}}
        @media (forced-colors:active){.button,.badge,.tabs a{border:1px solid}}
        @media print{.bar,footer,.button,.more{display:none}}
        """

    /// The mark of the node in browser tabs: three cells.
    static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#f6b021" \
        d="M19 5h14l7 12-7 12H19l-7-12zM44 20h14l7 12-7 12H44l-7-12zM19 35h14l7 12-7 12H19l-7-12z" \
        transform="translate(-7)"/></svg>
        """
}
