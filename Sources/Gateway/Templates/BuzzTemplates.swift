extension Templates {
    /// The currencies that are known here.
    static let buzz = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>Buzz</h1></div>
        <div class="prose"><p>Creators are tipped in currencies. Each is a signed ledger that anybody can copy and \
        audit; whoever runs it cannot make or lose Buzz unseen. All of it is public: who pays whom, how much, and for what.</p></div>
        {{#hasCurrencies}}<ul class="rows">{{#currencies}}<li><a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a>\
        <p class="by">{{circulation}} · {{currencyTrust}}{{#isOwn}} · decided on this node{{/isOwn}}</p>\
        {{#stopped}}<p role="note"><strong>Stopped.</strong> {{.}}</p>{{/stopped}}</li>{{/currencies}}</ul>{{/hasCurrencies}}
        {{^hasCurrencies}}<section class="empty"><p>No currency is used on this node. Its operator can join one of another node, or found one.</p>\
        <p><a class="button" href="/">To the front page</a></p></section>{{/hasCurrencies}}
        </article>
        {{>foot}}
        """

    /// One currency: its charter, and how it stands.
    static let currency = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1><bdi>{{heading}}</bdi></h1><p class="by">{{trust}}</p></div>
        {{#stopped}}<p role="note"><strong>Stopped.</strong> {{.}}</p>{{/stopped}}
        <div class="prose"><p>{{trustWords}}</p></div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">How it stands</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="rules"><h2 id="rules">Rules</h2>
        <ul class="rows">{{#rules}}<li>{{.}}</li>{{/rules}}</ul>\
        {{#rewardsHref}}<p><a class="quiet button" href="{{.}}">Why the last rewards were granted</a></p>{{/rewardsHref}}</section>
        <details><summary>Currency id</summary><p><code class="line">{{currencyID}}</code></p></details>
        </article>
        {{>foot}}
        """

    /// An account: its balance and what it paid and got.
    static let wallet = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">An account of <a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{trust}}</p></div>
        {{#isOld}}<p role="note">This is from the copy of the currency's log that is here; its authority may know more.</p>{{/isOld}}
        <section class="part" aria-labelledby="facts"><h2 id="facts">How it stands</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="history"><h2 id="history">Payments</h2>
        {{#hasFinals}}{{>finallist}}{{/hasFinals}}{{^hasFinals}}<p>None yet.</p>{{/hasFinals}}
        {{#earlier}}<p class="more"><a class="quiet button" href="{{.}}">Earlier</a></p>{{/earlier}}</section>
        <details><summary>Account id</summary><p><code class="line">{{accountID}}</code></p></details>
        </article>
        {{>foot}}
        """

    static let finallist = """
        <ul class="rows">{{#finals}}<li><a href="{{finalHref}}">{{finalWords}}</a>\
        <p class="by">{{#finalDay}}here since <time datetime="{{.}}">{{.}}</time>{{/finalDay}}{{#finalAbout}} · about <code>{{.}}</code>{{/finalAbout}}</p></li>{{/finals}}</ul>
        """

    /// One order that is final: a receipt.
    static let finalReceipt = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">In <a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{trust}}</p></div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">What happened</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="proof"><h2 id="proof">Proof</h2><p>{{proof}}</p>
        {{#receiptHref}}<p><a class="quiet button" href="{{.}}">The receipt, for <code>waggle buzz verify</code></a></p>{{/receiptHref}}</section>
        </article>
        {{>foot}}
        """
}
