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
        {{#isSignedIn}}<section class="part" aria-labelledby="act"><h2 id="act">[[what-you-can-do]]</h2>
        {{#isOpen}}<form action="{{path}}/fund" method="post">
        <p><label for="amount">[[set-aside-in]] {{symbol}}</label><br><input id="amount" name="amount" type="number" min="1" required></p>
        <p class="choice"><input id="pledge" name="pledge" type="checkbox" value="yes"><label for="pledge">[[as-a-pledge-in-my-own]]</label></p><p><button>[[back-it]]</button></p></form>
        <form action="{{path}}/enter" method="post">
        <p><label for="works">[[what-you-enter-ids-of-posts]]</label><br>\
        <input id="works" name="works" maxlength="2000" size="54"></p>
        <p><label for="entrytext">[[what-you-say-about-it]]</label><br><textarea id="entrytext" name="text" rows="4" cols="54" \
        maxlength="16000"></textarea></p><p><button>[[enter]]</button></p></form>{{/isOpen}}
        {{#canAward}}<form action="{{path}}/award" method="post"><fieldset><legend>[[give-what-you-set-aside]]</legend>
        {{#entries}}{{#entryCounts}}<p><label for="w{{entryID}}">[[weight-of-0-for-nothing]]</label><br>\
        <input id="w{{entryID}}" name="{{entryID}}" type="number" min="0" max="1000" value="0"></p>{{/entryCounts}}{{/entries}}
        </fieldset><p><button>[[award]]</button></p></form>{{/canAward}}
        {{#canRefund}}<form action="{{path}}/refund" method="post"><p><button>[[take-back-what-i-set-aside]]</button></p></form>{{/canRefund}}
        </section>{{/isSignedIn}}
        {{^isSignedIn}}<details><summary>[[back-it-or-enter-from-the]]</summary><pre><code>waggle bounty fund {{shortID}} 100
        waggle bounty enter {{shortID}} @me/my-model</code></pre></details>{{/isSignedIn}}
        <details><summary>[[ids]]</summary><p>[[bounty]] <code class="line">{{bountyID}}</code></p><p>[[arbiter]] <code class="line">{{arbiterID}}</code></p></details>
        </article>
        {{>foot}}
        """

    /// The form of a new bounty.
    static let newbounty = """
        {{>head}}
        <section class="prose">
        <h1>[[new-bounty]]</h1>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{^isSignedIn}}<p>[[sign-in-to-post-a-bounty]]</p>
        <pre><code>waggle bounty new "A LoRA of old maps" --wanted LORA --amount 500 --deadline 14d --rule first</code></pre>{{/isSignedIn}}
        {{#isSignedIn}}<p>[[neither-the-text-nor-the-rule]]</p>
        <form action="/bounties" method="post">
        <p><label for="title">[[what-you-wish-for-in-a]]</label><br><input id="title" name="title" required maxlength="200" size="54"></p>
        <p><label for="text">[[more-about-it-in-markdown]]</label><br><textarea id="text" name="text" rows="8" cols="54" maxlength="40000"></textarea></p>
        <p><label for="wanted">[[a-model-type-such-as-lora]]</label><br><input id="wanted" name="wanted" maxlength="64"></p>
        <p><label for="tags">[[tags-with-commas-between]]</label><br><input id="tags" name="tags" maxlength="400" size="54"></p>
        <p><label for="level">[[content-level]]</label><br><select id="level" name="level">{{#levels}}<option>{{.}}</option>{{/levels}}</select></p>
        <p><label for="currency">[[currency]]</label><br><select id="currency" name="currency">{{#currencies}}\
        <option value="{{optionValue}}">{{optionLabel}}</option>{{/currencies}}</select></p>
        <p><label for="amount">[[what-you-set-aside]]</label><br><input id="amount" name="amount" type="number" min="0" required></p>
        <p><label for="days">[[days-for-entries]]</label><br><input id="days" name="days" type="number" min="1" max="365" value="14" required></p>
        <p><label for="judging">[[days-for-backers-to-decide]]</label><br><input id="judging" name="judging" type="number" min="0" max="365" value="3" required></p>
        <p><label for="rule">[[what-happens-to-what-a-silent]]</label><br><select id="rule" name="rule">{{#rules}}\
        <option value="{{optionValue}}">{{optionLabel}}</option>{{/rules}}</select></p>
        <p><button>[[post-it]]</button></p>
        </form>{{/isSignedIn}}
        </section>
        {{>foot}}
        """

    /// The form of a tip.
    static let tip = """
        {{>head}}
        <section class="prose">
        <h1>[[tip]]</h1>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{#receiptHref}}<p role="status">[[paid-the-receipt]]</p>{{/receiptHref}}
        <p>[[for]] {{#aboutHref}}<a href="{{.}}">{{/aboutHref}}<bdi>{{about}}</bdi>{{#aboutHref}}</a>{{/aboutHref}}[[who-pays-whom-how-much-and]]</p>
        {{^isSignedIn}}<p>[[sign-in-to-tip-here-or]]</p><pre><code>waggle buzz tip {{subject}} 50</code></pre>{{/isSignedIn}}
        {{#isSignedIn}}<form action="/buzz/tip" method="post"><input type="hidden" name="to" value="{{subject}}">
        <p><label for="currency">[[currency]]</label><br><select id="currency" name="currency">{{#currencies}}\
        <option value="{{optionValue}}">{{optionLabel}}</option>{{/currencies}}</select></p>
        <p><label for="amount">[[how-much]]</label><br><input id="amount" name="amount" type="number" min="1" required></p>
        <p><button>[[tip]]</button></p></form>{{/isSignedIn}}
        </section>
        {{>foot}}
        """

    /// Why an epoch's rewards were granted.
    static let rewards = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">[[in]] <a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{trust}}</p></div>
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
        <section class="prose">
        <h1>[[a-currency]]</h1>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{#hasCurrencies}}<p>[[used-here]]</p><ul>{{#currencies}}<li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>{{/currencies}}</ul>{{/hasCurrencies}}
        <p>[[creators-can-be-tipped-and-bounties]]</p>
        {{^isAdmin}}<p>[[admins-choose-here-so-does-the]] <code>waggle buzz join</code>, <code>waggle buzz found</code>.</p>{{/isAdmin}}
        {{#isAdmin}}<form action="/setup/currency" method="post"><h2>[[join-one]]</h2>
        <p>[[its-log-is-copied-and-audited]]</p><input type="hidden" name="choice" value="join">
        <p><label for="url">[[address-of-the-node-that-decides]]</label><br><input id="url" name="url" type="url" required maxlength="512" size="54"></p>
        <p><button>[[join]]</button></p></form>
        <form action="/setup/currency" method="post"><h2>[[found-one]]</h2>
        <p>[[this-node-alone-decides-in-it]]</p><input type="hidden" name="choice" value="found">
        <p><label for="name">[[name]]</label><br><input id="name" name="name" required maxlength="100"></p>
        <p><label for="symbol">[[symbol-such-as-hny]]</label><br><input id="symbol" name="symbol" required maxlength="16"></p>
        <p><button>[[found]]</button></p></form>
        <p><a class="quiet button" href="/">[[none-for-now]]</a></p>{{/isAdmin}}
        </section>
        {{>foot}}
        """
}
