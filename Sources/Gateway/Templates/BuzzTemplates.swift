extension Templates {
    /// The currencies that are known here.
    static let buzz = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[buzz]]</h1></div>
        <div class="prose"><p>[[creators-are-tipped-in-currencies-each]]</p></div>
        {{#hasCurrencies}}<ul class="rows">{{#currencies}}<li><a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a>\
        <p class="by">{{circulation}} · {{currencyTrust}}{{#isOwn}} · [[decided-on-this-node]]{{/isOwn}}</p>\
        {{>currencynote}}</li>{{/currencies}}</ul>{{/hasCurrencies}}
        {{^hasCurrencies}}<section class="empty"><p>[[no-currency-is-used-on-this]]</p>\
        <p><a class="button" href="/">[[to-the-front-page]]</a></p></section>{{/hasCurrencies}}
        </article>
        {{>foot}}
        """

    /// What is wrong with a currency.
    static let currencynote = """
        {{#stopped}}<p role="note"><strong>[[stopped]]</strong> {{.}}</p>{{/stopped}}\
        {{#warning}}<p role="note"><strong>[[beware]]</strong> {{.}}</p>{{/warning}}
        """

    /// One currency: its charter, and how it stands.
    static let currency = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1><bdi>{{heading}}</bdi></h1><p class="by">{{trust}}</p></div>
        {{>currencynote}}
        <div class="prose"><p>{{trustWords}}</p></div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[how-it-stands]]</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="rules"><h2 id="rules">[[rules]]</h2>
        <ul class="rows">{{#rules}}<li>{{.}}</li>{{/rules}}</ul>\
        {{#rewardsHref}}<p><a class="quiet button" href="{{.}}">[[why-the-last-rewards-were-granted]]</a></p>{{/rewardsHref}}\
        {{#wardensHref}}<p><a class="quiet button" href="{{.}}">[[frozen-accounts]]</a></p>{{/wardensHref}}</section>
        <details><summary>[[currency-id]]</summary><p><code class="line">{{currencyID}}</code></p></details>
        </article>
        {{>foot}}
        """

    /// Who is frozen in a currency, and what its wardens do.
    static let wardens = """
        {{>head}}
        <article class="reading">
        <div class="top">{{>crumb}}<h1>[[wardens]]</h1><p class="by">{{rulesWords}}</p></div>
        {{>currencynote}}
        {{#hasDocument}}<section class="part" aria-labelledby="asks"><h2 id="asks">[[what-it-asks-for]]</h2>{{>factlist}}</section>{{/hasDocument}}
        <section class="part" aria-labelledby="frozen"><h2 id="frozen">[[frozen-accounts]]</h2>
        {{#hasFrozen}}<ul class="rows">{{#frozen}}<li><a href="{{frozenHref}}"><code>{{frozenAccount}}</code></a>
        <p class="by">{{#freezeHref}}<a href="{{.}}">{{/freezeHref}}{{frozenWords}}{{#freezeHref}}</a>{{/freezeHref}}\
        {{#reason}} · [[about]] <a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a>{{/reason}}{{#reasonName}} · [[about]] <code>{{.}}</code>{{/reasonName}}</p>
        {{#taken}}<p class="by"><a href="{{linkHref}}">{{linkText}}</a></p>{{/taken}}</li>{{/frozen}}</ul>{{/hasFrozen}}
        {{^hasFrozen}}<p>[[no-account-is-frozen]]</p>{{/hasFrozen}}</section>
        {{#acts}}{{#first()}}<section class="part" aria-labelledby="act"><h2 id="act">[[what-you-can-do]]</h2>{{/first()}}
        <div class="box"><h3>{{actTitle}}</h3><p class="by">{{actWords}}</p>{{>form}}</div>{{#last()}}</section>{{/last()}}{{/acts}}
        </article>
        {{>foot}}
        """

    /// An account: its balance and what it paid and got.
    static let wallet = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">[[an-account-of]] <a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{trust}}</p></div>
        {{>currencynote}}{{#isOld}}<p role="note">[[this-is-from-the-copy-of]]</p>{{/isOld}}
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[how-it-stands]]</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="history"><h2 id="history">[[payments]]</h2>
        {{#hasFinals}}{{>finallist}}{{/hasFinals}}{{^hasFinals}}<p>[[none-yet]]</p>{{/hasFinals}}
        {{#earlier}}<p class="more"><a class="quiet button" href="{{.}}">[[earlier]]</a></p>{{/earlier}}</section>
        <details><summary>[[account-id]]</summary><p><code class="line">{{accountID}}</code></p></details>
        </article>
        {{>foot}}
        """

    static let finallist = """
        <ul class="rows">{{#finals}}<li><a href="{{finalHref}}">{{finalWords}}</a>\
        <p class="by">{{#finalDay}}[[here-since]] <time datetime="{{.}}">{{.}}</time>{{/finalDay}}{{#finalAbout}} · [[about]] <code>{{.}}</code>{{/finalAbout}}</p></li>{{/finals}}</ul>
        """

    /// One order that is final: a receipt.
    static let finalReceipt = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">[[in]] <a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{trust}}</p></div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[what-happened]]</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="proof"><h2 id="proof">[[proof]]</h2><p>{{proof}}</p>
        {{#receiptHref}}<p><a class="quiet button" href="{{.}}">[[the-receipt-for]] <code>waggle buzz verify</code></a></p>{{/receiptHref}}</section>
        </article>
        {{>foot}}
        """
}
