import FoundationEssentials

/// Which of the two palettes a visitor sees.
enum Theme: String, CaseIterable {
    /// As the system does.
    case system
    case light
    case dark
}

extension Templates {
    /// The colours. A test holds them to WCAG 2.2 AA: 4.5:1 for text on every ground that it stands on, 3:1 for the edges
    /// of controls.
    static let light = """
        --bg:#fdfaf3;--card:#fff;--text:#211b12;--muted:#665b49;--line:#e7dfce;--edge:#8f8470;--accent:#8a5200;\
        --fill:#f6b021;--ink:#261a00;--soft:#f6efdf;--ok:#1b6b3d;--no:#a3341f
        """
    static let dark = """
        --bg:#15120d;--card:#1f1b14;--text:#f4eee2;--muted:#b9ad98;--line:#3b3427;--edge:#857a66;--accent:#ffc861;\
        --fill:#f6b021;--ink:#261a00;--soft:#2a241a;--ok:#80d8a4;--no:#ff9d88
        """

    /// The one stylesheet. What somebody chose is in the answer itself, so that no page shows the other palette first.
    static func stylesheet(_ theme: Theme) -> String {
        switch theme {
        case .system:
            ":root{color-scheme:light dark;\(light)}@media (prefers-color-scheme:dark){:root{\(dark)}}\(oneLine)"
        case .light: ":root{color-scheme:light;\(light)}\(oneLine)"
        case .dark: ":root{color-scheme:dark;\(dark)}\(oneLine)"
        }
    }

    /// Lines are for whoever reads them here.
    private static let oneLine = styleRules.replacing("\n", with: "")

    /// Sides are those of the text, so that a page in a language from right to left turns around by itself. Nothing moves, so there is
    /// nothing to reduce.
    private static let styleRules = """
        *{box-sizing:border-box}
        html{scroll-padding-top:1rem}
        body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--bg);color:var(--text);\
        font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
        main,.wide-as-main{width:100%;max-width:84rem;margin:0 auto;padding:0 clamp(1rem,3vw,2.5rem)}
        main{flex:1;padding-top:1.5rem;padding-bottom:3rem}
        a{color:var(--accent);text-underline-offset:.2em}
        .links a,.card>a,.pic,.brand,.tabs a,.words a{color:inherit;text-decoration:none}
        .by a{color:var(--text);text-decoration:none}
        .links a:hover,.by a:hover,.words a:hover,.card a:hover .what,.note a{text-decoration:underline}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
        h1{font-size:clamp(1.5rem,1.2rem + 1.6vw,2.25rem);line-height:1.2;margin:0 0 .5rem}
        h2{font-size:1.05rem;margin:0 0 .5rem}
        p,ul,ol,dl,figure,pre{margin:0 0 .75rem}
        img{display:block;max-width:100%;height:auto}
        code,pre{font:.875em/1.5 ui-monospace,monospace}
        input,select,button,textarea{font:inherit;color:inherit;min-height:2.5rem;border:1px solid var(--edge);border-radius:12px;\
        padding:0 .75rem;background:var(--card);max-width:100%}
        button{cursor:pointer}
        .skip,.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
        .skip:focus{width:auto;height:auto;clip-path:none;padding:.75rem 1rem;background:var(--card)}
        .links,.tabs,.words,.feed,.rows,.plain,.samples,.log{list-style:none;padding:0}
        .bar>div,.links,.tabs,.words,.person,.more,.find,.field,.row{display:flex;flex-wrap:wrap;gap:.4rem}
        .bar{border-bottom:1px solid var(--line)}
        .bar>div{align-items:center;gap:.4rem 1.75rem;padding-top:.6rem;padding-bottom:.6rem}
        .brand{display:flex;align-items:center;gap:.6rem;min-height:2.5rem;font-weight:600}
        .brand svg,.hero svg{fill:var(--fill)}
        .links{gap:0 clamp(.75rem,2vw,1.25rem);margin:0}
        .links a{display:block;padding:.3rem 0}
        .links [aria-current]{font-weight:600;box-shadow:0 3px var(--fill)}
        .find{flex:1 1 14rem;flex-wrap:nowrap;min-width:0;max-width:24rem;margin-inline-start:auto}
        .find input{flex:1;min-width:0}
        footer{padding:1.25rem 0;border-top:1px solid var(--line);color:var(--muted);font-size:.875rem}
        footer p{margin:.25rem 0 0}
        footer button{min-height:1.75rem;padding:0 .6rem;background:none}
        .top{margin-bottom:1.5rem}
        .top>:last-child,.with-filters>.top{margin-bottom:0}
        .hero{display:flex;justify-content:space-between;align-items:end;gap:1rem}.hero svg{min-width:20%}
        .file{font-weight:600}
        .row>.by{min-width:6rem}
        .part{margin:2rem 0}.feed+p,.wide+p{margin-top:.75rem}
        .reading,.text{max-width:46rem;min-width:0}
        .by{color:var(--muted);font-size:.9375rem}
        .badge{display:inline-block;padding:.1rem .6rem;border-radius:99px;background:var(--soft);color:var(--text);\
        font-size:.8125rem;font-weight:600}
        .feed{display:grid;gap:1.5rem 1rem;margin:0;grid-template-columns:repeat(auto-fill,minmax(min(15rem,44%),1fr))}
        .small{grid-template-columns:repeat(auto-fill,minmax(7rem,1fr))}
        .card>a,.pic{display:grid;font-weight:600;line-height:1.35}
        .card img,.ph{grid-area:1/1;width:100%;height:auto;aspect-ratio:1;object-fit:cover;border-radius:12px;margin-bottom:.5rem;\
        background:currentColor}
        .card img{background:var(--soft)}.ph+img{background:none}
        .blank{background:var(--soft);fill:var(--line)}
        .pic{overflow:clip;border-radius:12px}.pic,.pic>*,[role=region]{position:relative;margin:0}
        .pic .ph{position:absolute;height:100%;aspect-ratio:auto;filter:blur(1.5rem)}
        .plainly{font-weight:400}
        .what{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
        .card .by{margin:.25rem 0 0;font-size:.875rem}
        .note{display:block}.note a{display:inline-block;min-height:1.5rem}
        .more{justify-content:center;gap:.75rem;margin:2rem 0 0}
        .button{display:inline-flex;justify-content:center;align-items:center;gap:.6rem;min-height:2.75rem;padding:0 1.25rem;\
        border:0;border-radius:12px;background:var(--fill);color:var(--ink);font-weight:600;text-decoration:none}
        .button,.badge,.links{overflow-wrap:normal}.button span{font-weight:400}
        .button:hover,.card a:hover img{filter:brightness(1.07)}
        .quiet{background:var(--soft);color:var(--text)}
        .wide{display:flex}
        .empty{max-width:38rem;margin:10vh auto}
        pre,.line{padding:.75rem 1rem;border-radius:12px;background:var(--soft);overflow:auto;white-space:pre-wrap}
        .line{display:block}.line,.chip,td code{user-select:all}
        .tabs{margin:.75rem 0 0}
        .tabs a,.words li,.chip{padding:.15rem .7rem;border-radius:8px;background:var(--soft);display:block}
        .chip{display:inline;padding:.1rem .4rem}
        .tabs [aria-current]{background:var(--fill);color:var(--ink);font-weight:600}
        .samples{display:flex;gap:.75rem;overflow-x:auto;scroll-snap-type:x proximity;margin:0}
        .samples li{flex:none;scroll-snap-align:start}
        .samples img{height:min(24rem,60vw);width:auto;max-width:80vw;object-fit:cover}
        .columns,.image,.with-filters{display:grid;gap:1.5rem 2.5rem;grid-template-columns:minmax(0,1fr)}
        .box,.filters{padding:1.1rem;border:1px solid var(--line);border-radius:12px;background:var(--card)}
        .box{margin-bottom:1rem}
        .box>:last-child,.prose>:last-child,li>:last-child{margin-bottom:0}
        .filters{padding:.6rem 1.1rem;align-self:start}
        .filters p>label,legend,.field label{display:block;padding:0;font-weight:600;font-size:.9375rem}
        .filters p>input,.filters textarea,.filters select,.field>*{width:100%}
        fieldset{border:0;padding:0;margin:0 0 .75rem}
        .choice{display:flex;gap:.5rem;align-items:center;min-height:1.75rem}
        .choice label{flex:1}
        .choice input{min-height:0;width:1.1rem;height:1.1rem;margin:0;flex:none;accent-color:var(--accent)}
        .field .by,.file{margin:0}[aria-invalid]{border-color:var(--no)}.error{color:var(--no);font-weight:600}
        .drop{border:2px dashed var(--edge)}[type=file]{padding:.4rem}
        .yes span{color:var(--ok)}.no span{color:var(--no)}.no{color:var(--muted)}
        .trust li,.log li{position:relative;padding-inline-start:1.5rem;margin-bottom:.4rem}
        .trust li::before,.log li::before,.avatar{clip-path:polygon(50% 0,93% 25%,93% 75%,50% 100%,7% 75%,7% 25%);background:var(--fill)}
        .trust li::before,.log li::before{content:"";position:absolute;inset-inline-start:0;top:.3em;width:14px;height:14px}
        .trust .no::before{background:var(--edge)}
        .log{margin-inline-start:.5rem;border-inline-start:2px solid var(--line)}.log li{padding-bottom:.5rem}
        .log li::before{inset-inline-start:-8px}
        .text section,.text>.words{margin-bottom:1.75rem}
        .quote,.prose blockquote{margin:0 0 .75rem;padding-inline-start:1rem;border-inline-start:3px solid var(--fill);\
        white-space:pre-line}
        .prose :is(h2,h3,h4,h5,h6){font-size:1rem;margin:1.25rem 0 .5rem}
        .prose blockquote{border-color:var(--line);color:var(--muted);white-space:normal}
        .rows p,.crumb{margin:0 0 .25rem}.rows>li{padding:.75rem 0;border-bottom:1px solid var(--line)}
        .rows>li>a{font-weight:600;color:inherit}
        .d1{--d:1}.d2{--d:2}.d3{--d:3}.d4{--d:4}
        [class^=d]{margin-inline-start:calc(var(--d,0)*clamp(.6rem,2vw,1.25rem))}
        .person{gap:1.25rem;align-items:center}
        .avatar{object-fit:cover;width:6.5rem;height:6.5rem}
        .cover{width:100%;aspect-ratio:12/5;object-fit:cover;margin-bottom:1rem}
        dl{display:grid;gap:.3rem}
        dl div{display:flex;justify-content:space-between;gap:1rem}
        dl div+div{border-top:1px solid var(--line);padding-top:.3rem}
        dt{color:var(--muted)}dd{margin:0;text-align:end}
        summary{cursor:pointer;padding:.35rem 0;font-weight:600}
        table{width:100%;border-collapse:collapse;font-size:.875rem;margin-bottom:.75rem}
        th,td{padding:.35rem 0;padding-inline-end:.75rem;text-align:start;vertical-align:top;border-bottom:1px solid var(--line)}
        th{color:var(--muted);font-weight:500;white-space:nowrap}[role=region]{overflow:auto}
        td,dt{overflow-wrap:break-word}td code{word-break:break-all}
        .image figure{display:grid;place-items:center;align-self:start;min-height:min(60vw,32rem);border-radius:12px;\
        background:var(--soft)}
        .image figure img{min-width:min(24rem,70vw);max-height:84vh;object-fit:contain}
        @media (min-width:60rem){.columns{grid-template:auto 1fr/minmax(0,1fr) 21rem}.columns aside{grid-area:1/2/span 2}\
        .columns>:is(.shown,.text){grid-column:1}.image{grid-template-columns:minmax(0,3fr) minmax(20rem,2fr)}\
        .with-filters{grid-template:auto 1fr/16rem minmax(0,1fr)}.with-filters>.top{grid-column:2}\
        .filters{grid-area:1/1/span 2}.results{grid-column:2}\
        @supports selector(::details-content){.filters>summary{display:none}\
        .filters::details-content{content-visibility:visible;height:auto}}}
        @media (max-width:40rem){.bar nav{order:1;overflow:auto}.bar ul{flex-wrap:nowrap}}
        @media (forced-colors:active){.button,.badge,.tabs a{border:1px solid}}
        @media print{.bar,footer,.button,.more,.filters{display:none}.columns{display:block}.card{break-inside:avoid}}
        """

    /// The mark of the node in browser tabs: three cells.
    static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#f6b021" \
        d="M19 5h14l7 12-7 12H19l-7-12zM44 20h14l7 12-7 12H44l-7-12zM19 35h14l7 12-7 12H19l-7-12z" \
        transform="translate(-7)"/></svg>
        """
}
