extension Templates {
    /// A model with one of its versions.
    static let model = """
        {{>head}}
        <article class="model">
        <header class="top">
        <h1><bdi>{{name}}</bdi></h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}by <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>\
        {{#creatorHome}} of {{.}}{{/creatorHome}}</p>
        {{#versions}}{{#first()}}<nav aria-label="Versions"><ul class="tabs">{{/first()}}\
        <li><a href="{{tabHref}}"{{#isCurrent}} aria-current="page"{{/isCurrent}}><bdi>{{tabName}}</bdi></a></li>\
        {{#last()}}</ul></nav>{{/last()}}{{/versions}}
        </header>

        <div class="columns">
        {{#hasSamples}}
        <div class="shown">
        <ul class="samples" aria-label="Samples" tabindex="0">
        {{#samples}}<li><a href="{{sampleHref}}"><img src="{{largeSource}}" width="{{width}}" height="{{height}}" alt="{{alt}}"\
        {{^first()}} loading="lazy"{{/first()}}></a></li>
        {{/samples}}
        </ul>
        {{#samplesNote}}<p class="by">{{.}}</p>{{/samplesNote}}
        </div>
        {{/hasSamples}}

        <aside>
        {{^release}}<p class="note">There is no version to download yet.</p>{{/release}}
        {{#release}}
        {{#primary}}
        <section class="box" aria-labelledby="get">
        <h2 id="get" class="unseen">Download</h2>
        {{#isHere}}<a class="button wide" href="{{fileHref}}">Download <span>{{fileSize}}</span></a>{{/isHere}}
        {{^isHere}}<p>Not on this node yet ({{fileSize}}). Fetch it from the nodes that have it:</p>{{/isHere}}
        <p class="file"><bdi>{{fileName}}</bdi></p>
        <p class="by">{{fileFacts}}</p>
        <p><code class="line">waggle get {{getName}}</code></p>
        </section>
        {{/primary}}
        <section class="box trust" aria-labelledby="trust">
        <h2 id="trust">Signed</h2>
        <p>by <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>{{#signature}} with key <code>{{keyStart}}</code>\
        {{#keyLabel}} (<bdi>{{.}}</bdi>){{/keyLabel}}{{#keySince}}, in use since <time datetime="{{.}}">{{.}}</time>{{/keySince}}{{/signature}}, \
        published <time datetime="{{published}}">{{publishedDay}}</time></p>
        <ul class="plain by">{{#trust}}<li>{{.}}</li>{{/trust}}</ul>
        </section>
        {{#hasUse}}
        <section class="box" aria-labelledby="use">
        <h2 id="use">Use</h2>
        {{#hasTriggers}}<p class="by">Trigger words</p>
        <ul class="words">{{#triggers}}<li><code>{{.}}</code></li>{{/triggers}}</ul>{{/hasTriggers}}
        {{#settings}}{{#first()}}<dl>{{/first()}}<div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl>{{/last()}}{{/settings}}
        </section>
        {{/hasUse}}
        <section class="box" aria-labelledby="permissions">
        <h2 id="permissions">Permissions</h2>
        <ul class="plain">{{#permissions}}<li class="{{#isAllowed}}yes{{/isAllowed}}{{^isAllowed}}no{{/isAllowed}}">\
        <span aria-hidden="true">{{#isAllowed}}✓{{/isAllowed}}{{^isAllowed}}✕{{/isAllowed}}</span> \
        {{^isAllowed}}<span class="unseen">Not allowed: </span>{{/isAllowed}}{{permission}}</li>{{/permissions}}</ul>
        {{#licence}}<p class="by">Licence: <bdi>{{.}}</bdi></p>{{/licence}}
        {{#realPerson}}<p class="by">{{.}}</p>{{/realPerson}}
        </section>
        {{/release}}
        </aside>

        <div class="text">
        {{#description}}<section aria-labelledby="about"><h2 id="about">About</h2><div class="prose">{{{.}}}</div></section>{{/description}}
        {{#changes}}<section aria-labelledby="changes"><h2 id="changes">New in <bdi>{{version}}</bdi></h2>\
        <div class="prose">{{{.}}}</div></section>{{/changes}}
        {{#tags}}{{#first()}}<ul class="words" aria-label="Tags">{{/first()}}<li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>\
        {{#last()}}</ul>{{/last()}}{{/tags}}
        {{>reactionrow}}
        <section aria-labelledby="numbers"><h2 id="numbers">Numbers</h2><dl>{{#numbers}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{/numbers}}</dl>
        <details><summary>How this is counted</summary><p class="by">Downloads are requests for a file of this model at this \
        node alone. Everything else counts signed posts that this node knows, one for each person, so anybody can count again.</p></details></section>
        {{#files}}{{#first()}}<section aria-labelledby="files"><h2 id="files">Files and hashes</h2>{{/first()}}
        <details{{#isPrimary}} open{{/isPrimary}}>
        <summary><bdi>{{fileName}}</bdi> <span class="by">{{fileSize}}</span></summary>
        {{^isPrimary}}<p><a href="{{fileHref}}">Download</a></p>{{/isPrimary}}
        {{#torrentHref}}<ul class="words" aria-label="From many places"><li><a href="{{.}}">Torrent</a></li>{{/torrentHref}}\
        {{#metalinkHref}}<li><a href="{{.}}">Metalink</a></li></ul>{{/metalinkHref}}
        <table>
        <tbody>{{#rows}}<tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>{{/rows}}</tbody>
        </table>
        </details>
        {{#last()}}</section>{{/last()}}{{/files}}
        {{#training}}{{#first()}}<section aria-labelledby="training"><h2 id="training">Training</h2><dl>{{/first()}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl></section>{{/last()}}{{/training}}
        {{#postIDs}}{{#first()}}<section aria-labelledby="posts"><h2 id="posts">Signed posts</h2><table><tbody>{{/first()}}\
        <tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>\
        {{#last()}}</tbody></table><p><a href="{{historyHref}}">Everything signed about this model</a></p></section>{{/last()}}{{/postIDs}}
        {{#hasLineage}}<section aria-labelledby="lineage"><h2 id="lineage">Lineage</h2>{{>kin}}</section>{{/hasLineage}}
        {{#collections}}{{#first()}}<section aria-labelledby="collections"><h2 id="collections">In collections</h2><ul class="plain">{{/first()}}\
        <li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>{{#last()}}</ul></section>{{/last()}}{{/collections}}
        </div>
        </div>

        {{#hasGallery}}<section class="part" aria-labelledby="gallery"><h2 id="gallery">Made with this model</h2>
        <ul class="feed">{{#gallery}}{{>card}}{{/gallery}}</ul>
        <p><a href="{{galleryHref}}">Whole gallery</a></p></section>{{/hasGallery}}
        {{#hasReviews}}<section class="part reading" aria-labelledby="reviews"><h2 id="reviews">Reviews</h2>\
        {{#tally}}<p class="by">{{.}}</p>{{/tally}}{{>reviewlist}}<p><a href="{{reviewsHref}}">All reviews</a></p></section>{{/hasReviews}}
        {{#hasComments}}<section class="part reading" aria-labelledby="comments"><h2 id="comments">Discussion</h2>\
        {{>commentlist}}<p><a href="{{discussionHref}}">Whole discussion</a></p></section>{{/hasComments}}
        </article>
        {{>foot}}
        """
}
