extension Templates {
    /// The level of one thing: what is said of it, and the forms to say something.
    static let level = """
        {{>head}}
        <section class="reading">
        <div class="top"><h1><bdi>{{heading}}</bdi></h1>{{#page}}<p class="by"><a href="{{.}}">[[look-at-it]]</a></p>{{/page}}</div>
        {{#said}}<p role="status"><b>[[your-word-counts-it-is-now]] {{.}}.</b> [[which-is-above-what-you-chose]]</p>{{/said}}
        {{^said}}
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}.</p>{{/trouble}}
        <p><span class="badge">{{level}}</span> {{#lock}}[[locked-by-a-moderator]] <time datetime="{{lockAt}}">{{lockAt}}</time> ({{lockNumber}}){{#lockReason}}: <bdi>{{.}}</bdi>{{/lockReason}}.{{#isOfOlderVersion}} [[lock-is-of-older-version]]{{/isOfOlderVersion}}{{/lock}}</p>
        <dl><div><dt>[[its-maker-says]]</dt><dd>{{declared}}</dd></div>
        {{#votes}}<div><dt>[[people-say]]</dt><dd>{{.}}</dd></div>{{/votes}}
        {{#own}}<div><dt>[[you-say]]</dt><dd>{{.}}</dd></div>{{/own}}</dl>
        {{#review}}<p role="status">[[a-moderator-was-asked]] <time datetime="{{reviewAt}}">{{reviewAt}}</time></p><p class="quote">{{reviewText}}</p>{{/review}}
        <p class="by">[[people-who-have-to-agree]] {{needed}}. [[votes-only-raise-a-level]]</p>
        {{#forms}}{{>form}}{{/forms}}
        {{/said}}
        </section>
        {{>foot}}
        """

    /// What moderators are to look at.
    static let levelDisputes = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[levels-in-dispute]]</h1><p class="by"><a href="/moderation">[[queue]]</a></p></div>
        {{#hasDisputes}}<ul class="rows">{{#disputes}}<li><a href="{{levelHref}}"><bdi>{{levelTitle}}</bdi></a> <span class="badge">{{level}}</span>
        <p class="by">[[its-maker-says]] {{declared}}{{#votes}} · [[people-say]] {{.}}{{/votes}}{{#isMilder}} · [[found-milder]]{{/isMilder}}</p>\
        {{#reviewText}}<p class="quote">{{.}}</p>{{/reviewText}}</li>{{/disputes}}</ul>{{/hasDisputes}}
        {{^hasDisputes}}<section class="empty"><p>[[nothing-waits]]</p></section>{{/hasDisputes}}
        {{#hasLocked}}<section class="part" aria-labelledby="locked"><h2 id="locked">[[levels-locked]]</h2>
        <ul class="rows">{{#locked}}<li><a href="{{levelHref}}"><bdi>{{levelTitle}}</bdi></a> <span class="badge">{{level}}</span>
        <p class="by">{{lockWords}} · [[its-maker-says]] {{declared}}{{#votes}} · [[people-say]] {{.}}{{/votes}}</p></li>{{/locked}}</ul></section>{{/hasLocked}}
        </article>
        {{>foot}}
        """

    /// What lists do here to somebody's own things.
    static let ownActions = """
        {{>head}}
        <section class="reading">
        <div class="top"><h1>[[lists-and-your-things]]</h1><p class="by">[[what-lists-of-others-do-here]]</p></div>
        {{#hasActions}}<ul class="rows">{{#actions}}<li><bdi>{{actionTitle}}</bdi> <span class="badge">{{actionWord}}</span>
        <p class="by"><code>{{actionList}}</code> · {{actionReason}} · {{actionCase}}</p>
        {{#appealText}}<p class="quote">{{.}}</p><p class="by">[[appeal]]: {{appealOutcome}}{{#appealAnswer}} · <bdi>{{.}}</bdi>{{/appealAnswer}}</p>{{/appealText}}
        {{#form}}{{>form}}{{/form}}</li>{{/actions}}</ul>{{/hasActions}}
        {{^hasActions}}<p>[[no-list-does-anything]]</p>{{/hasActions}}
        </section>
        {{>foot}}
        """
}
