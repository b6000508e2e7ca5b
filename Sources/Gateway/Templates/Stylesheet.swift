extension Templates {
    /// The one stylesheet. Colours meet WCAG AA in both schemes; nothing moves, so there is nothing to reduce.
    static let stylesheet = """
        :root{color-scheme:light dark;--bg:#fdfaf3;--card:#fff;--text:#211b12;--muted:#665b49;--line:#e7dfce;\
        --edge:#8f8470;--accent:#8a5200;--fill:#f6b021;--ink:#261a00;--soft:#f6efdf;--ok:#1b6b3d;--no:#a3341f}
        @media (prefers-color-scheme:dark){:root{--bg:#15120d;--card:#1f1b14;--text:#f4eee2;--muted:#b9ad98;\
        --line:#3b3427;--edge:#857a66;--accent:#ffc861;--soft:#2a241a;--ok:#80d8a4;--no:#ff9d88}}
        *{box-sizing:border-box}
        html{scroll-padding-top:1rem;text-size-adjust:100%}
        body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--bg);color:var(--text);\
        font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
        main,.wide-as-main{width:100%;max-width:84rem;margin:0 auto;padding:0 clamp(1rem,3vw,2.5rem)}
        main{flex:1;padding-top:1.5rem;padding-bottom:3rem}
        a{color:var(--accent);text-underline-offset:.2em}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
        h1{font-size:clamp(1.5rem,1.2rem + 1.6vw,2.25rem);line-height:1.2;margin:0 0 .4rem;font-weight:700;\
        letter-spacing:-.01em}
        h2{font-size:1.05rem;margin:0 0 .5rem}
        p,ul,ol,dl,figure,pre{margin:0 0 .75rem}
        img{display:block;max-width:100%;height:auto}
        code,pre{font:.875em/1.5 ui-monospace,monospace}
        input,select,button{font:inherit;color:inherit;min-height:2.5rem;border:1px solid var(--edge);border-radius:10px;\
        padding:0 .75rem;background:var(--card);max-width:100%}
        button{cursor:pointer}
        .skip,.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
        .skip:focus{width:auto;height:auto;clip-path:none;padding:.75rem 1rem;background:var(--card)}
        .links,.tabs,.words,.feed,.rows,.plain,.samples{list-style:none;padding:0}
        .bar{border-bottom:1px solid var(--line)}
        .bar>div{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1.75rem;padding-top:.6rem;padding-bottom:.6rem}
        .brand{display:inline-flex;align-items:center;gap:.6rem;min-height:2.5rem;color:var(--text);font-weight:650;\
        text-decoration:none}
        .brand path{fill:var(--fill)}
        .links{display:flex;flex-wrap:wrap;gap:0 1.25rem;margin:0}
        .links a{display:block;padding:.3rem 0;color:inherit;text-decoration:none}
        .links a:hover,.by a:hover{text-decoration:underline}
        .links [aria-current]{font-weight:650;box-shadow:0 2px var(--fill)}
        .find{display:flex;gap:.4rem;flex:1 1 14rem;max-width:24rem;margin-left:auto}
        .find input{flex:1;min-width:0}
        footer{padding:1.25rem 0;border-top:1px solid var(--line);color:var(--muted);font-size:.875rem}
        footer p{margin:.25rem 0 0}
        .top{margin-bottom:1.5rem}
        .top>:last-child{margin-bottom:0}
        .crumb{margin:0 0 .25rem}
        .part{margin:2rem 0}
        .part>.feed+p{margin-top:1rem}
        .reading{max-width:46rem}
        .by{color:var(--muted);font-size:.9375rem}
        .by a{color:var(--text);text-decoration:none}
        .badge{display:inline-block;padding:.05rem .55rem;border-radius:99px;background:var(--soft);color:var(--text);\
        font-size:.8125rem;font-weight:550;overflow-wrap:normal}
        .feed{display:grid;gap:1.5rem 1rem;margin:0;grid-template-columns:repeat(auto-fill,minmax(min(15rem,44%),1fr))}
        .small{grid-template-columns:repeat(auto-fill,minmax(7rem,1fr))}
        .card>a{display:block;color:inherit;text-decoration:none;font-weight:600;line-height:1.35}
        .card img,.blank{width:100%;aspect-ratio:1;object-fit:cover;border-radius:14px;background:var(--soft);\
        display:block;margin-bottom:.55rem}
        .blank{background:var(--soft) radial-gradient(circle,var(--line) 34%,#0000 36%) 50%/2.4rem 2.4rem}
        .card .plainly{font-weight:400}
        .card a:hover .what{text-decoration:underline}
        .what{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
        .card .by{margin:.15rem 0 0;font-size:.875rem}
        .note{display:block}.by a.note{text-decoration:underline;min-height:1.5rem}
        .more{display:flex;flex-wrap:wrap;justify-content:center;gap:.75rem;margin:2rem 0 0}
        .button{display:inline-flex;justify-content:center;align-items:center;gap:.6rem;min-height:2.75rem;padding:0 1.25rem;\
        border:0;border-radius:12px;background:var(--fill);color:var(--ink);font-weight:650;text-decoration:none}
        .button span{font-weight:450}
        .button:hover{filter:brightness(1.06)}
        .quiet{background:var(--soft);color:var(--text)}
        .wide{display:flex;margin-bottom:.75rem}
        .empty{max-width:38rem;margin:10vh auto}
        pre,.line{padding:.7rem .9rem;border-radius:10px;background:var(--soft);overflow:auto;white-space:pre-wrap}
        .line{display:block;user-select:all}
        .tabs,.words{display:flex;flex-wrap:wrap;gap:.4rem}
        .tabs{margin:.6rem 0 0}
        .tabs a,.words li{padding:.15rem .7rem;border-radius:9px;background:var(--soft);color:inherit;\
        text-decoration:none;display:block}
        .words a{color:inherit;text-decoration:none}.words a:hover{text-decoration:underline}
        .tabs [aria-current]{background:var(--fill);color:var(--ink);font-weight:600}
        .samples{display:flex;gap:.75rem;overflow-x:auto;scroll-snap-type:x proximity;margin:0}
        .shown .by{margin:.5rem 0 0}
        .samples li{flex:none;scroll-snap-align:start}
        .samples img{height:min(24rem,60vw);width:auto;max-width:80vw;object-fit:cover;border-radius:14px;\
        background:var(--soft)}
        .columns,.image,.with-filters{display:grid;gap:1.5rem 2.5rem;grid-template-columns:minmax(0,1fr)}
        .with-filters>.top{margin:0}
        .box,.filters{padding:1.1rem;border:1px solid var(--line);border-radius:16px;background:var(--card)}
        .box{margin-bottom:1rem}
        .box>:last-child,.prose>:last-child,li>:last-child{margin-bottom:0}
        .filters{padding:.6rem 1.1rem;align-self:start}
        .filters p>label,legend{display:block;padding:0;font-weight:600;font-size:.9375rem}
        .filters p>input,.filters select{width:100%}
        fieldset{border:0;padding:0;margin:0 0 .75rem}
        .choice{display:flex;gap:.5rem;align-items:center;min-height:1.75rem}
        .choice label{flex:1}
        .choice input{min-height:0;width:1.1rem;height:1.1rem;margin:0;flex:none;accent-color:var(--accent)}
        .file{margin:0;font-weight:600}
        .yes span{color:var(--ok)}.no span{color:var(--no)}.no{color:var(--muted)}
        .text{max-width:46rem;min-width:0}
        .text section,.text>.words{margin-bottom:1.75rem}
        .quote{padding-left:.9rem;border-left:3px solid var(--fill);white-space:pre-line}
        .prose :is(h2,h3,h4,h5,h6){font-size:1rem;margin:1.25rem 0 .4rem}
        .prose blockquote{margin:0 0 .75rem;padding-left:.9rem;border-left:3px solid var(--line);color:var(--muted)}
        .prose hr{border:0;border-top:1px solid var(--line)}
        .rows>li{padding:.9rem 0;border-bottom:1px solid var(--line)}
        .rows>li>a{font-weight:600;color:inherit}
        .rows p{margin-bottom:.25rem}
        .d1{margin-left:1.25rem}.d2{margin-left:2.5rem}.d3{margin-left:3.75rem}
        :is(.d4,.d5,.d6,.d7,.d8){margin-left:5rem}
        .person{display:flex;flex-wrap:wrap;gap:1.25rem;align-items:center}
        .avatar{border-radius:50%;object-fit:cover;width:6rem;height:6rem;background:var(--soft)}
        .cover{width:100%;aspect-ratio:12/5;object-fit:cover;border-radius:16px;margin-bottom:1.25rem;background:var(--soft)}
        dl{display:grid;gap:.3rem}
        dl div{display:flex;justify-content:space-between;gap:1rem}
        dl div+div{border-top:1px solid var(--line);padding-top:.3rem}
        dt{color:var(--muted)}dd{margin:0;text-align:right}
        summary{cursor:pointer;padding:.35rem 0;font-weight:600}
        .scroll{overflow-x:auto}
        table{width:100%;border-collapse:collapse;font-size:.875rem;margin-bottom:.75rem}
        th,td{padding:.35rem .75rem .35rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
        th{color:var(--muted);font-weight:500;white-space:nowrap}
        td{overflow-wrap:break-word}td code{user-select:all;word-break:break-all}
        .scroll td:last-child{min-width:12rem}
        .image figure img{width:auto;max-height:84vh;border-radius:16px}
        @media (min-width:60rem){.columns{grid-template:auto 1fr/minmax(0,1fr) 21rem}.columns aside{grid-area:1/2/span 2}\
        .columns>:is(.shown,.text){grid-column:1}.image{grid-template-columns:minmax(0,3fr) minmax(20rem,2fr)}\
        .with-filters{grid-template:auto 1fr/16rem minmax(0,1fr)}.with-filters>.top{grid-column:2}\
        .filters{grid-area:1/1/span 2}.results{grid-column:2}\
        @supports selector(::details-content){.filters>summary{display:none}\
        .filters::details-content{content-visibility:visible;height:auto}}}
        @media (max-width:30rem){.bar .links{gap:0 .75rem;font-size:.9375rem}.d1{margin-left:.6rem}.d2{margin-left:1.2rem}:is(.d3,.d4,.d5,.d6,.d7,.d8){margin-left:1.8rem}}
        @media (forced-colors:active){.button,.badge,.tabs a{border:1px solid}}
        @media print{.bar,footer,.button,.more,.filters{display:none}}
        """

    /// The mark of the node in browser tabs: three cells.
    static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#f6b021" \
        d="M19 5h14l7 12-7 12H19l-7-12zM44 20h14l7 12-7 12H44l-7-12zM19 35h14l7 12-7 12H19l-7-12z" \
        transform="translate(-7)"/></svg>
        """
}
