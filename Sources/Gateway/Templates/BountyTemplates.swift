extension Templates {
    /// Bounties in a list.
    static let bounties = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">[[buzz-that-is-set-aside-for]]</p>{{>tabs}}</div>
        <p><a class="button" href="/bounties/new">[[new-bounty]]</a></p>
        {{#hasBounties}}<ul class="rows">{{#bounties}}<li><a href="{{bountyHref}}"><bdi>{{bountyTitle}}</bdi></a> \
        <span class="badge">{{bountyPhase}}</span>
        <p class="by">{{bountyMoney}} · {{bountyEntries}} · [[by-entries-until]] \
        <time datetime="{{bountyEnd}}">{{bountyEndDay}}</time></p></li>{{/bounties}}</ul>{{/hasBounties}}
        {{^hasBounties}}<section class="empty"><p>[[no-bounty-is-here]]{{#onlyOpen}} [[that-takes-entries]]{{/onlyOpen}}.</p></section>{{/hasBounties}}
        {{>pager}}
        </div>
        {{>foot}}
        """

    /// One bounty, with forms for whoever is signed in.
    static let bounty = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1><bdi>{{heading}}</bdi></h1>
        <p class="by"><span class="badge">{{phase}}</span> [[by]] {{#posterHref}}<a href="{{.}}">{{/posterHref}}<bdi>{{poster}}</bdi>\
        {{#posterHref}}</a>{{/posterHref}} · {{money}}</p></div>
        {{#stopped}}<p role="note"><strong>[[the-currency-is-stopped]]</strong> {{.}}</p>{{/stopped}}
        {{#silent}}<p role="note">{{.}}</p>{{/silent}}
        {{#unknownArbiter}}<p role="note">[[nobody-here-knows-whose-key-decides]]</p>{{/unknownArbiter}}
        <div class="prose">{{{textHTML}}}</div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[how-it-stands]]</h2>{{>factlist}}<p>{{ruleWords}}</p>\
        <p class="by">{{trust}}</p></section>
        <section class="part" aria-labelledby="entries"><h2 id="entries">[[entries]]</h2>
        {{#hasEntries}}<ul class="rows">{{#entries}}<li><a href="{{entryAuthorHref}}"><bdi>{{entryAuthor}}</bdi></a>\
        {{#entryWon}} <span class="badge">{{.}}</span>{{/entryWon}}{{#entryLate}} <span class="badge">[[does-not-count]]</span>{{/entryLate}}
        <div class="prose">{{{entryHTML}}}</div>
        {{#entryWorks}}<p><a href="{{linkHref}}">{{linkText}}</a></p>{{/entryWorks}}
        <p class="by"><time datetime="{{entryTime}}">{{entryDay}}</time> · <code>{{entryID}}</code></p></li>{{/entries}}</ul>{{/hasEntries}}
        {{^hasEntries}}<p>[[none-yet]]</p>{{/hasEntries}}</section>
        <section class="part" aria-labelledby="backers"><h2 id="backers">[[backers]]</h2>
        {{#hasBackings}}<ul class="rows">{{#backings}}<li><a href="{{backingHref}}">{{backingAmount}}</a> \
        <span class="badge">{{backingState}}</span>
        <p class="by"><bdi>{{backer}}</bdi> · {{backingWords}}</p></li>{{/backings}}</ul>{{/hasBackings}}
        {{^hasBackings}}<p>[[nothing-is-set-aside-yet]]</p>{{/hasBackings}}</section>
        {{#acts}}{{#first()}}<section class="part" aria-labelledby="act"><h2 id="act">[[what-you-can-do]]</h2>{{/first()}}
        <div class="box"><h3>{{actTitle}}</h3>{{>form}}</div>{{#last()}}</section>{{/last()}}{{/acts}}
        {{^isSignedIn}}<details><summary>[[back-it-or-enter-from-the]]</summary><pre><code>waggle bounty fund {{shortID}} 100
        waggle bounty enter {{shortID}} @me/my-model</code></pre></details>{{/isSignedIn}}
        <details><summary>[[ids]]</summary><p>[[bounty]] <code class="line">{{bountyID}}</code></p><p>[[arbiter]] <code class="line">{{arbiterID}}</code></p></details>
        </article>
        {{>foot}}
        """

    /// The form of a new bounty.
    static let newbounty = """
        {{>head}}
        <div class="reading">
        <div class="top">{{>crumb}}<h1>[[new-bounty]]</h1><p class="by">[[neither-the-text-nor-the-rule]]</p></div>
        {{^isSignedIn}}<p>[[sign-in-to-post-a-bounty]]</p>
        <pre><code>waggle bounty new "A LoRA of old maps" --wanted LORA --amount 500 --deadline 14d --rule first</code></pre>
        <p><a class="button" href="/signin?next=/bounties/new">[[sign-in]]</a></p>{{/isSignedIn}}
        {{#hasNoCurrency}}<p>[[no-currency-is-used-on-this]]</p>{{/hasNoCurrency}}
        {{>form}}
        </div>
        {{>foot}}
        """

    /// The form of a tip.
    static let tip = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1>[[tip]]</h1>
        <p class="by">[[for]] {{#aboutHref}}<a href="{{.}}">{{/aboutHref}}<bdi>{{about}}</bdi>{{#aboutHref}}</a>{{/aboutHref}}[[who-pays-whom-how-much-and]]</p></div>
        {{#signInHref}}<p>[[sign-in-to-tip-here-or]]</p><pre><code>waggle buzz tip {{subject}} 50</code></pre>
        <p><a class="button" href="{{.}}">[[sign-in]]</a></p>{{/signInHref}}
        {{#hasNoCurrency}}<p>[[no-currency-is-used-on-this]]</p>{{/hasNoCurrency}}
        {{>form}}
        </div>
        {{>foot}}
        """

    /// Why an epoch's rewards were granted.
    static let rewards = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">[[in]] <a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{trust}}</p>{{>tabs}}</div>
        {{#faults}}<p role="note"><strong>[[does-not-agree]]</strong> {{.}}</p>{{/faults}}
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[what-counted]]</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="totals"><h2 id="totals">[[who-got-what]]</h2>
        {{#hasTotals}}<ul class="rows">{{#totals}}<li><a href="{{linkHref}}">{{linkText}}</a></li>{{/totals}}</ul>{{/hasTotals}}
        {{^hasTotals}}<p>[[nobody]]</p>{{/hasTotals}}</section>
        <section class="part" aria-labelledby="proof"><h2 id="proof">[[count-it-again]]</h2>
        <p>[[the-list-of-what-counted-is]]</p></section>
        </article>
        {{>foot}}
        """

    /// The offer to found or join a currency.
    static let setupCurrency = """
        {{>head}}
        <section class="reading prose">
        <h1>[[a-currency]]</h1>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{#hasCurrencies}}<p>[[used-here]]</p><ul>{{#currencies}}<li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>{{/currencies}}</ul>{{/hasCurrencies}}
        <p>[[creators-can-be-tipped-and-bounties]]</p>
        {{^isAdmin}}<p>[[admins-choose-here-so-does-the]] <code>waggle buzz join</code>, <code>waggle buzz found</code>.</p>{{/isAdmin}}
        {{#isAdmin}}<form action="/setup/currency" method="post"><h2>[[join-one]]</h2>
        <p>[[its-log-is-copied-and-audited]]</p><input type="hidden" name="choice" value="join">
        <p class="field"><label for="url">[[address-of-the-node-that-decides]]</label><input id="url" name="url" type="url" required maxlength="512"></p>
        <p><button class="button">[[join]]</button></p></form>
        <form action="/setup/currency" method="post"><h2>[[found-one]]</h2>
        <p>[[this-node-alone-decides-in-it]]</p><input type="hidden" name="choice" value="found">
        <p class="field"><label for="name">[[name]]</label><input id="name" name="name" required maxlength="100"></p>
        <p class="field"><label for="symbol">[[symbol-such-as-hny]]</label><input id="symbol" name="symbol" required maxlength="16"></p>
        <p><button class="button">[[found]]</button></p></form>
        <p><a class="quiet button" href="/">[[none-for-now]]</a></p>{{/isAdmin}}
        </section>
        {{>foot}}
        """
}
