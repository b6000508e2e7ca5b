extension Templates {
    /// Bounties in a list.
    static let bounties = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">Buzz that is set aside for whoever makes what somebody wishes for.</p>{{>tabs}}</div>
        <p><a class="button" href="/bounties/new">New bounty</a></p>
        {{#hasBounties}}<ul class="rows">{{#bounties}}<li><a href="{{bountyHref}}"><bdi>{{bountyTitle}}</bdi></a> \
        <span class="badge">{{bountyPhase}}</span>
        <p class="by">{{bountyMoney}} · {{bountyEntries}} · by <bdi>{{bountyPoster}}</bdi> · entries until \
        <time datetime="{{bountyEnd}}">{{bountyEndDay}}</time></p></li>{{/bounties}}</ul>{{/hasBounties}}
        {{^hasBounties}}<section class="empty"><p>No bounty is here{{#onlyOpen}} that takes entries{{/onlyOpen}}.</p></section>{{/hasBounties}}
        {{>pager}}
        </div>
        {{>foot}}
        """

    /// One bounty, with forms for whoever is signed in.
    static let bounty = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1><bdi>{{heading}}</bdi></h1>
        <p class="by"><span class="badge">{{phase}}</span> By {{#posterHref}}<a href="{{.}}">{{/posterHref}}<bdi>{{poster}}</bdi>\
        {{#posterHref}}</a>{{/posterHref}} · {{money}}</p></div>
        {{#stopped}}<p role="note"><strong>The currency is stopped.</strong> {{.}}</p>{{/stopped}}
        {{#silent}}<p role="note">{{.}}</p>{{/silent}}
        {{#unknownArbiter}}<p role="note"><strong>Nobody here knows whose key decides this bounty.</strong> No key document of the \
        node that it names lists that key.</p>{{/unknownArbiter}}
        <div class="prose">{{{textHTML}}}</div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">How it stands</h2>{{>factlist}}<p>{{ruleWords}}</p>\
        <p class="by">{{trust}}</p></section>
        <section class="part" aria-labelledby="entries"><h2 id="entries">Entries</h2>
        {{#hasEntries}}<ul class="rows">{{#entries}}<li><a href="{{entryAuthorHref}}"><bdi>{{entryAuthor}}</bdi></a>\
        {{#entryWon}} <span class="badge">{{.}}</span>{{/entryWon}}{{#entryLate}} <span class="badge">does not count</span>{{/entryLate}}
        <div class="prose">{{{entryHTML}}}</div>
        {{#entryWorks}}<p><a href="{{linkHref}}">{{linkText}}</a></p>{{/entryWorks}}
        <p class="by"><time datetime="{{entryTime}}">{{entryDay}}</time> · <code>{{entryID}}</code></p></li>{{/entries}}</ul>{{/hasEntries}}
        {{^hasEntries}}<p>None yet.</p>{{/hasEntries}}</section>
        <section class="part" aria-labelledby="backers"><h2 id="backers">Backers</h2>
        {{#hasBackings}}<ul class="rows">{{#backings}}<li><a href="{{backingHref}}">{{backingAmount}}</a> \
        <span class="badge">{{backingState}}</span>
        <p class="by"><bdi>{{backer}}</bdi> · {{backingWords}}</p></li>{{/backings}}</ul>{{/hasBackings}}
        {{^hasBackings}}<p>Nothing is set aside yet.</p>{{/hasBackings}}</section>
        {{#isSignedIn}}<section class="part" aria-labelledby="act"><h2 id="act">What you can do</h2>
        {{#isOpen}}<form action="{{path}}/fund" method="post">
        <p><label for="amount">Set aside, in {{symbol}}</label><br><input id="amount" name="amount" type="number" min="1" required></p>
        <p class="choice"><input id="pledge" name="pledge" type="checkbox" value="yes"><label for="pledge">As a pledge: in my own hand, \
        can be withdrawn</label></p><p><button>Back it</button></p></form>
        <form action="{{path}}/enter" method="post">
        <p><label for="works">What you enter: ids of posts or @maker/name, with spaces between</label><br>\
        <input id="works" name="works" maxlength="2000" size="54"></p>
        <p><label for="entrytext">What you say about it</label><br><textarea id="entrytext" name="text" rows="4" cols="54" \
        maxlength="16000"></textarea></p><p><button>Enter</button></p></form>{{/isOpen}}
        {{#canAward}}<form action="{{path}}/award" method="post"><fieldset><legend>Give what you set aside</legend>
        {{#entries}}{{#entryCounts}}<p><label for="w{{entryID}}">Weight of <bdi>{{entryAuthor}}</bdi> (0 for nothing)</label><br>\
        <input id="w{{entryID}}" name="{{entryID}}" type="number" min="0" max="1000" value="0"></p>{{/entryCounts}}{{/entries}}
        </fieldset><p><button>Award</button></p></form>{{/canAward}}
        {{#canRefund}}<form action="{{path}}/refund" method="post"><p><button>Take back what I set aside</button></p></form>{{/canRefund}}
        </section>{{/isSignedIn}}
        {{^isSignedIn}}<details><summary>Back it or enter, from the command line</summary><pre><code>waggle bounty fund {{shortID}} 100
        waggle bounty enter {{shortID}} @me/my-model</code></pre></details>{{/isSignedIn}}
        <details><summary>Ids</summary><p>Bounty <code class="line">{{bountyID}}</code></p><p>Arbiter <code class="line">{{arbiterID}}</code></p></details>
        </article>
        {{>foot}}
        """

    /// The form of a new bounty.
    static let newbounty = """
        {{>head}}
        <section class="prose">
        <h1>New bounty</h1>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{^isSignedIn}}<p>Sign in to post a bounty here, or use the command line:</p>
        <pre><code>waggle bounty new "A LoRA of old maps" --wanted LORA --amount 500 --deadline 14d --rule first</code></pre>{{/isSignedIn}}
        {{#isSignedIn}}<p>Neither the text nor the rule can be changed afterwards: others rely on them. Everything of it is public.</p>
        <form action="/bounties" method="post">
        <p><label for="title">What you wish for, in a few words</label><br><input id="title" name="title" required maxlength="200" size="54"></p>
        <p><label for="text">More about it, in Markdown</label><br><textarea id="text" name="text" rows="8" cols="54" maxlength="40000"></textarea></p>
        <p><label for="wanted">A model type such as LORA, or image</label><br><input id="wanted" name="wanted" maxlength="64"></p>
        <p><label for="tags">Tags, with commas between</label><br><input id="tags" name="tags" maxlength="400" size="54"></p>
        <p><label for="level">Content level</label><br><select id="level" name="level">{{#levels}}<option>{{.}}</option>{{/levels}}</select></p>
        <p><label for="currency">Currency</label><br><select id="currency" name="currency">{{#currencies}}\
        <option value="{{optionValue}}">{{optionLabel}}</option>{{/currencies}}</select></p>
        <p><label for="amount">What you set aside</label><br><input id="amount" name="amount" type="number" min="0" required></p>
        <p><label for="days">Days for entries</label><br><input id="days" name="days" type="number" min="1" max="365" value="14" required></p>
        <p><label for="judging">Days for backers to decide</label><br><input id="judging" name="judging" type="number" min="0" max="365" value="3" required></p>
        <p><label for="rule">What happens to what a silent backer set aside</label><br><select id="rule" name="rule">{{#rules}}\
        <option value="{{optionValue}}">{{optionLabel}}</option>{{/rules}}</select></p>
        <p><button>Post it</button></p>
        </form>{{/isSignedIn}}
        </section>
        {{>foot}}
        """

    /// The form of a tip.
    static let tip = """
        {{>head}}
        <section class="prose">
        <h1>Tip</h1>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{#receiptHref}}<p role="status"><b>Paid.</b> <a href="{{.}}">The receipt</a></p>{{/receiptHref}}
        <p>For {{#aboutHref}}<a href="{{.}}">{{/aboutHref}}<bdi>{{about}}</bdi>{{#aboutHref}}</a>{{/aboutHref}}. Who pays whom, how much and \
        for what is public.</p>
        {{^isSignedIn}}<p>Sign in to tip here, or use the command line:</p><pre><code>waggle buzz tip {{subject}} 50</code></pre>{{/isSignedIn}}
        {{#isSignedIn}}<form action="/buzz/tip" method="post"><input type="hidden" name="to" value="{{subject}}">
        <p><label for="currency">Currency</label><br><select id="currency" name="currency">{{#currencies}}\
        <option value="{{optionValue}}">{{optionLabel}}</option>{{/currencies}}</select></p>
        <p><label for="amount">How much</label><br><input id="amount" name="amount" type="number" min="1" required></p>
        <p><button>Tip</button></p></form>{{/isSignedIn}}
        </section>
        {{>foot}}
        """

    /// Why an epoch's rewards were granted.
    static let rewards = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1>
        <p class="by">In <a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{trust}}</p></div>
        {{#faults}}<p role="note"><strong>Does not agree.</strong> {{.}}</p>{{/faults}}
        <section class="part" aria-labelledby="facts"><h2 id="facts">What counted</h2>{{>factlist}}</section>
        <section class="part" aria-labelledby="totals"><h2 id="totals">Who got what</h2>
        {{#hasTotals}}<ul class="rows">{{#totals}}<li><a href="{{linkHref}}">{{linkText}}</a></li>{{/totals}}</ul>{{/hasTotals}}
        {{^hasTotals}}<p>Nobody.</p>{{/hasTotals}}</section>
        <section class="part" aria-labelledby="proof"><h2 id="proof">Count it again</h2>
        <p>The list of what counted is public, and its hash is in the grants. <a href="{{listHref}}">The list</a>; \
        <code>waggle buzz rewards --epoch {{epoch}}</code> on another node compares it with the charter, the posts and the log. \
        Who is a member here is this node's own word.</p></section>
        </article>
        {{>foot}}
        """

    /// The offer to found or join a currency.
    static let setupCurrency = """
        {{>head}}
        <section class="prose">
        <h1>A currency</h1>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{#hasCurrencies}}<p>Used here:</p><ul>{{#currencies}}<li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>{{/currencies}}</ul>{{/hasCurrencies}}
        <p>Creators can be tipped, and bounties backed, in currencies. A node needs none, and can join or found one at any time.</p>
        {{^isAdmin}}<p>Admins choose here; so does the command line: <code>waggle buzz join</code>, <code>waggle buzz found</code>.</p>{{/isAdmin}}
        {{#isAdmin}}<form action="/setup/currency" method="post"><h2>Join one</h2>
        <p>Its log is copied and audited here.</p><input type="hidden" name="choice" value="join">
        <p><label for="url">Address of the node that decides in it</label><br><input id="url" name="url" type="url" required maxlength="512" size="54"></p>
        <p><button>Join</button></p></form>
        <form action="/setup/currency" method="post"><h2>Found one</h2>
        <p>This node alone decides in it and grants: 25 a day to its members, and more for what they do. The currency dies with this node, \
        and its charter never changes.</p><input type="hidden" name="choice" value="found">
        <p><label for="name">Name</label><br><input id="name" name="name" required maxlength="100"></p>
        <p><label for="symbol">Symbol, such as HNY</label><br><input id="symbol" name="symbol" required maxlength="16"></p>
        <p><button>Found</button></p></form>
        <p><a class="quiet button" href="/">None for now</a></p>{{/isAdmin}}
        </section>
        {{>foot}}
        """
}
