extension Templates {
    /// Above each room of what is one's own.
    static let metop = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1><bdi>{{heading}}</bdi></h1>{{#handle}}<p class="by">{{.}}</p>{{/handle}}{{>tabs}}</div>
        """

    static let me = """
        {{>metop}}
        {{>factlist}}
        <ul class="words part"><li><a href="/publish">[[publish]]</a></li><li><a href="/bounties/new">[[new-bounty]]</a></li>\
        <li><a href="/generate/jobs">[[your-pictures]]</a></li><li><a href="/account/appeals">[[lists-and-your-things]]</a></li>{{#profileHref}}<li><a href="{{.}}">[[your-profile-as-others-see-it]]</a></li>{{/profileHref}}\
        {{#staffHref}}<li><a href="{{.}}">[[run-this-node]]</a></li>{{/staffHref}}</ul>
        <form action="{{signOutAction}}" method="post"><p><button class="quiet button">[[sign-out]]</button></p></form>
        </div>
        {{>foot}}
        """

    static let mesettings = """
        {{>metop}}
        {{#saved}}<p role="status"><b>[[saved]]</b></p>{{/saved}}
        {{>form}}
        {{#hasPassphrase}}<p class="part"><a href="/account/passphrase">[[change-the-passphrase]]</a></p>{{/hasPassphrase}}
        <p class="by">[[light-or-dark-is-chosen-at]]</p>
        </div>
        {{>foot}}
        """

    static let mekeys = """
        {{>metop}}
        <p>{{custody}}</p>
        {{#areKeysDisputed}}<p role="note">[[disputed-keys-two-successors-of-your]]</p>{{/areKeysDisputed}}
        <ul class="rows">{{#keyItems}}<li><code class="chip">{{keyStart}}</code> <bdi>{{keyLabel}}</bdi><p class="by">{{keyWords}}</p></li>{{/keyItems}}</ul>
        <p class="by">[[your-author-id-which-is-you]]</p><p><code class="line">{{authorID}}</code></p>
        {{#form}}<section class="part" aria-labelledby="again"><h2 id="again">[[see-your-recovery-words-again]]</h2>{{>form}}</section>{{/form}}
        </div>
        {{>foot}}
        """

    static let metokens = """
        {{>metop}}
        <p>[[a-token-lets-a-program-act]]</p>
        {{#tokens}}{{#first()}}<ul class="rows">{{/first()}}<li><bdi class="file">{{tokenLabel}}</bdi><p class="by">{{tokenWords}}</p>\
        <form action="{{revokeAction}}" method="post"><button class="quiet" aria-label="[[revoke]]">[[revoke-2]]</button></form></li>{{#last()}}</ul>{{/last()}}{{/tokens}}
        <section class="part" aria-labelledby="new"><h2 id="new">[[a-new-one-2]]</h2>{{>form}}</section>
        </div>
        {{>foot}}
        """

    static let metoken = """
        {{>metop}}
        <p role="status"><b>[[here-it-is-it-is-shown]]</b></p>
        <p><code class="line">{{token}}</code></p>
        <p><a class="button" href="/account/tokens">[[i-have-it]]</a></p>
        </div>
        {{>foot}}
        """

    static let meexport = """
        {{>metop}}
        <p>[[one-archive-with-everything-that-you]]</p>
        {{>form}}
        </div>
        {{>foot}}
        """

    static let memove = """
        {{>metop}}
        {{#come}}<section class="part" aria-labelledby="come"><h2 id="come">[[finish-your-move-to-this-node]]</h2><p>{{comeWords}}</p>{{>form}}</section>{{/come}}
        {{#go}}<section class="part" aria-labelledby="go"><h2 id="go">[[to-another-node]]</h2>
        <p>[[you-are-your-keys-not-this]] [[the-other-node-asks-for-the]]</p>
        <ol><li>[[take-a-copy-first-export-everything]]</li><li>[[have-your-24-words-at-hand]]{{#isNode}} [[the-words-were-shown-when-you]]{{/isNode}}</li>\
        <li>[[say-where-you-go-and-follow]]</li></ol>
        {{#goHref}}<p role="status">[[type-the-words-there-and-nowhere]]</p><p><a class="button" href="{{.}}" rel="nofollow noopener">{{goText}}</a></p>{{/goHref}}
        {{>form}}</section>{{/go}}
        <section class="part" aria-labelledby="own"><h2 id="own">[[to-a-node-of-your-own]]</h2><p>[[run-this-there]]</p>
        <pre><code>{{command}}</code></pre></section>
        </div>
        {{>foot}}
        """

    /// What came of coming here from another node.
    static let moved = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1><bdi>{{heading}}</bdi></h1>{{#lead}}<p class="by">{{.}}</p>{{/lead}}</div>
        <ul class="rows">{{#moveLines}}<li>{{.}}</li>{{/moveLines}}</ul>
        <p><a class="button" href="{{onwardHref}}">{{onwardText}}</a></p>
        </div>
        {{>foot}}
        """

    static let menews = """
        {{>metop}}
        {{#hasUnread}}{{#readAction}}<form action="{{.}}" method="post"><p><button class="quiet">[[mark-all-as-seen]]</button></p></form>{{/readAction}}{{/hasUnread}}
        {{#hasNews}}<ul class="rows">{{#news}}<li>{{#isNew}}<span class="badge">[[new]]</span> {{/isNew}}\
        {{#newsActor}}{{#newsActorHref}}<a href="{{.}}"><bdi>{{newsActor}}</bdi></a>{{/newsActorHref}}{{^newsActorHref}}<bdi>{{newsActor}}</bdi>{{/newsActorHref}} {{/newsActor}}\
        {{newsWords}} {{#newsSubject}}{{#newsHref}}<a href="{{.}}"><bdi>{{newsSubject}}</bdi></a>{{/newsHref}}{{^newsHref}}<bdi>{{newsSubject}}</bdi>{{/newsHref}}{{/newsSubject}}\
        <p class="by"><time datetime="{{newsTime}}">{{newsDay}}</time></p></li>{{/news}}</ul>{{/hasNews}}
        {{^hasNews}}<section class="empty"><p>[[nothing-yet-publish-something-or-follow]]</p>\
        <p><a class="button" href="/creators">[[look-at-creators]]</a></p></section>{{/hasNews}}
        {{>pager}}
        </div>
        {{>foot}}
        """

    static let melibrary = """
        {{>head}}
        <div class="top"><h1>{{heading}}</h1>{{>tabs}}</div>
        {{#hasUpdates}}<section class="part" aria-labelledby="updates"><h2 id="updates">[[newer-versions]]</h2><ul class="rows">{{#updates}}\
        <li><a href="{{updateHref}}"><bdi>{{updateName}}</bdi></a><p class="by">{{updateWords}}</p></li>{{/updates}}</ul></section>{{/hasUpdates}}
        {{#hasModels}}<section class="part" aria-labelledby="models"><h2 id="models">[[models]]</h2><ul class="feed">{{#models}}{{>card}}{{/models}}</ul></section>{{/hasModels}}
        {{#hasImages}}<section class="part" aria-labelledby="images"><h2 id="images">[[images]]</h2><ul class="feed">{{#images}}{{>card}}{{/images}}</ul></section>{{/hasImages}}
        {{#hasCollections}}<section class="part" aria-labelledby="sets"><h2 id="sets">[[collections]]</h2><ul class="feed">{{#collections}}{{>card}}{{/collections}}</ul></section>{{/hasCollections}}
        {{#hasArticles}}<section class="part" aria-labelledby="texts"><h2 id="texts">[[articles-and-workflows]]</h2>{{>articlerows}}</section>{{/hasArticles}}
        {{#hasNothing}}<section class="empty"><p>[[what-you-publish-and-what-you]]</p>\
        <p><a class="button" href="/publish">[[publish-something]]</a></p></section>{{/hasNothing}}
        {{>foot}}
        """
}
