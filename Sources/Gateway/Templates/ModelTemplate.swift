extension Templates {
    /// A model with one of its versions.
    static let model = """
        {{>head}}
        <article class="model">
        <header class="top">
        <h1><bdi>{{name}}</bdi></h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}[[by-2]] <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>\
        {{#creatorHome}} [[of]] {{.}}{{/creatorHome}}{{#tipHref}} · <a href="{{.}}">[[tip]]</a>{{/tipHref}}\
        {{#reportHref}}<span class="note"><a href="{{levelHref}}">[[level-question]]</a> · <a href="{{.}}">[[report]]</a></span>{{/reportHref}}</p>
        {{#versions}}{{#first()}}<nav aria-label="[[versions]]"><ul class="tabs">{{/first()}}\
        <li><a href="{{tabHref}}"{{#isCurrent}} aria-current="page"{{/isCurrent}}><bdi>{{tabName}}</bdi></a></li>\
        {{#last()}}</ul></nav>{{/last()}}{{/versions}}
        </header>

        <div class="columns">
        {{#hasSamples}}
        <div class="shown">
        <ul class="samples" aria-label="[[samples]]" tabindex="0">
        {{#samples}}<li><a class="pic" href="{{sampleHref}}">{{>tinted}}{{#isBlurred}}{{>veiled}}{{/isBlurred}}{{^isBlurred}}<img src="{{largeSource}}" width="{{width}}" height="{{height}}" alt="{{alt}}"\
        {{^first()}} loading="lazy"{{/first()}}>{{/isBlurred}}</a></li>
        {{/samples}}
        </ul>
        {{#samplesNote}}<p class="by">{{.}}</p>{{/samplesNote}}
        {{#areSamplesBlurred}}{{#unveilHref}}<p class="by"><a href="{{.}}">[[show-the-blurred-pictures]]</a></p>{{/unveilHref}}{{/areSamplesBlurred}}
        </div>
        {{/hasSamples}}

        <aside>
        {{^release}}<p class="note">[[there-is-no-version-to-download]]</p>{{/release}}
        {{#release}}
        {{#primary}}
        <section class="box" aria-labelledby="get">
        <h2 id="get" class="unseen">[[download]]</h2>
        {{#isHere}}<a class="button wide" href="{{fileHref}}">[[download]] <span>{{fileSize}}</span></a>{{/isHere}}
        {{^isHere}}<p>[[not-on-this-node-yet-fetch]]</p>{{/isHere}}
        <p class="file"><bdi>{{fileName}}</bdi></p>
        <p class="by">{{fileFacts}}</p>
        <p><code class="line">waggle get {{getName}}</code></p>
        </section>
        {{/primary}}
        <section class="box" aria-labelledby="trust">
        <h2 id="trust">[[signed-2]]</h2>
        <p>[[by-2]] <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>{{#signature}} [[with-key]] <code class="chip">{{keyStart}}</code>\
        {{#keyLabel}} (<bdi>{{.}}</bdi>){{/keyLabel}}{{#keySince}}[[in-use-since]] <time datetime="{{.}}">{{.}}</time>{{/keySince}}{{/signature}}[[published-2]] <time datetime="{{published}}">{{publishedDay}}</time></p>
        <ul class="trust plain by">{{#trust}}<li{{^isGood}} class="no"{{/isGood}}>{{trustWords}}</li>{{/trust}}</ul>
        </section>
        {{#hasUse}}
        <section class="box" aria-labelledby="use">
        <h2 id="use">[[use]]</h2>
        {{#hasTriggers}}<p class="by">[[trigger-words]]</p>
        <ul class="words">{{#triggers}}<li><code data-copy>{{.}}</code></li>{{/triggers}}</ul>{{/hasTriggers}}
        {{#settings}}{{#first()}}<dl>{{/first()}}<div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl>{{/last()}}{{/settings}}
        </section>
        {{/hasUse}}
        <section class="box" aria-labelledby="permissions">
        <h2 id="permissions">[[permissions]]</h2>
        <ul class="plain">{{#permissions}}<li class="{{#isAllowed}}yes{{/isAllowed}}{{^isAllowed}}no{{/isAllowed}}">\
        <span aria-hidden="true">{{#isAllowed}}✓{{/isAllowed}}{{^isAllowed}}✕{{/isAllowed}}</span> \
        {{^isAllowed}}<span class="unseen">[[not-allowed]] </span>{{/isAllowed}}{{permission}}</li>{{/permissions}}</ul>
        {{#licence}}<p class="by">[[licence]] <bdi>{{.}}</bdi></p>{{/licence}}
        {{#realPerson}}<p class="by">{{.}}</p>{{/realPerson}}
        </section>
        {{/release}}
        </aside>

        <div class="text">
        {{#description}}<section aria-labelledby="about"><h2 id="about">[[about-2]]</h2><div class="prose">{{{.}}}</div></section>{{/description}}
        {{#changes}}<section aria-labelledby="changes"><h2 id="changes">[[new-in]] <bdi>{{version}}</bdi></h2>\
        <div class="prose">{{{.}}}</div></section>{{/changes}}
        {{#tags}}{{#first()}}<ul class="words" aria-label="[[tags]]">{{/first()}}<li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>\
        {{#last()}}</ul>{{/last()}}{{/tags}}
        {{>reactionrow}}
        <section aria-labelledby="numbers"><h2 id="numbers">[[numbers]]</h2><dl>{{#numbers}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{/numbers}}</dl>
        <details><summary>[[how-this-is-counted]]</summary><p class="by">[[downloads-are-requests-for-a-file]]</p></details></section>
        {{#files}}{{#first()}}<section aria-labelledby="files"><h2 id="files">[[files-and-hashes]]</h2>{{/first()}}
        <details{{#isPrimary}} open{{/isPrimary}}>
        <summary><bdi>{{fileName}}</bdi> <span class="by">{{fileSize}}</span></summary>
        {{^isPrimary}}<p><a href="{{fileHref}}">[[download]]</a></p>{{/isPrimary}}
        {{#torrentHref}}<ul class="words" aria-label="[[from-many-places]]"><li><a href="{{.}}">[[torrent]]</a></li>{{/torrentHref}}\
        {{#metalinkHref}}<li><a href="{{.}}">[[metalink]]</a></li></ul>{{/metalinkHref}}
        <table>
        <tbody>{{#rows}}<tr><th scope="row">{{term}}</th><td><code data-copy>{{value}}</code></td></tr>{{/rows}}</tbody>
        </table>
        </details>
        {{#last()}}</section>{{/last()}}{{/files}}
        {{#training}}{{#first()}}<section aria-labelledby="training"><h2 id="training">[[training]]</h2><dl>{{/first()}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl></section>{{/last()}}{{/training}}
        {{#postIDs}}{{#first()}}<section aria-labelledby="posts"><h2 id="posts">[[signed-posts]]</h2><table><tbody>{{/first()}}\
        <tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>\
        {{#last()}}</tbody></table><p><a href="{{historyHref}}">[[everything-signed-about-this-model]]</a></p></section>{{/last()}}{{/postIDs}}
        {{#hasLineage}}<section aria-labelledby="lineage"><h2 id="lineage">[[lineage]]</h2>{{>kin}}</section>{{/hasLineage}}
        {{#collections}}{{#first()}}<section aria-labelledby="collections"><h2 id="collections">[[in-collections]]</h2><ul class="plain">{{/first()}}\
        <li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>{{#last()}}</ul></section>{{/last()}}{{/collections}}
        </div>
        </div>

        {{#hasGallery}}<section class="part" aria-labelledby="gallery"><h2 id="gallery">[[made-with-this-model]]</h2>
        <ul class="feed">{{#gallery}}{{>card}}{{/gallery}}</ul>
        <p><a href="{{galleryHref}}">[[whole-gallery]]</a></p></section>{{/hasGallery}}
        {{#hasReviews}}<section class="part reading" aria-labelledby="reviews"><h2 id="reviews">[[reviews]]</h2>\
        {{#tally}}<p class="by">{{.}}</p>{{/tally}}{{>reviewlist}}<p><a href="{{reviewsHref}}">[[all-reviews]]</a></p></section>{{/hasReviews}}
        {{#hasComments}}<section class="part reading" aria-labelledby="comments"><h2 id="comments">[[discussion]]</h2>\
        {{>commentlist}}<p><a href="{{discussionHref}}">[[whole-discussion]]</a></p></section>{{/hasComments}}
        {{>takepart}}
        </article>
        {{>foot}}
        """
}
