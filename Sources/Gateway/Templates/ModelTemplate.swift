extension Templates {
    /// A model with one of its versions.
    static let model = """
        {{>head}}
        <article class="model">
        <header>
        <h1>{{name}}</h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}by <strong>{{creator}}</strong>\
        {{#creatorHome}} of {{.}}{{/creatorHome}}</p>
        {{#versions}}{{#first()}}<nav aria-label="Versions"><ul class="tabs">{{/first()}}\
        <li><a href="{{tabHref}}"{{#isCurrent}} aria-current="page"{{/isCurrent}}>{{tabName}}</a></li>\
        {{#last()}}</ul></nav>{{/last()}}{{/versions}}
        </header>

        {{#hasSamples}}
        <ul class="samples" aria-label="Samples" tabindex="0">
        {{#samples}}<li><a href="{{sampleHref}}"><img src="{{source}}" width="{{width}}" height="{{height}}" alt="{{alt}}"\
        {{^first()}} loading="lazy"{{/first()}}></a></li>
        {{/samples}}
        </ul>
        {{/hasSamples}}

        <div class="columns">
        <aside>
        {{^release}}<p class="note">There is no version to download yet.</p>{{/release}}
        {{#release}}
        {{#primary}}
        <section class="box" aria-labelledby="get">
        <h2 id="get" class="unseen">Download</h2>
        <a class="button wide" href="{{fileHref}}">Download <span>{{fileSize}}</span></a>
        <p class="file">{{fileName}}</p>
        <p class="by">{{fileFacts}}</p>
        <p><code class="line">waggle get {{getName}}</code></p>
        </section>
        {{/primary}}
        <section class="box trust" aria-labelledby="trust">
        <h2 id="trust">Signed</h2>
        <p>by <strong>{{creator}}</strong>{{#signature}} with key <code>{{keyStart}}</code>\
        {{#keyLabel}} ({{.}}){{/keyLabel}}{{#keySince}}, in use since <time datetime="{{.}}">{{.}}</time>{{/keySince}}{{/signature}}</p>
        <p class="by">Published <time datetime="{{published}}">{{publishedDay}}</time>. \
        The signature was checked on this node; every byte is named by its hash.</p>
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
        <span aria-hidden="true">{{#isAllowed}}✓{{/isAllowed}}{{^isAllowed}}✕{{/isAllowed}}</span> {{permission}}</li>{{/permissions}}</ul>
        {{#licence}}<p class="by">Licence: {{.}}</p>{{/licence}}
        {{#realPerson}}<p class="by">{{.}}</p>{{/realPerson}}
        </section>
        {{/release}}
        </aside>

        <div class="text">
        {{#description}}{{#first()}}<section aria-labelledby="about"><h2 id="about">About</h2>{{/first()}}\
        <p>{{.}}</p>{{#last()}}</section>{{/last()}}{{/description}}
        {{#changes}}{{#first()}}<section aria-labelledby="changes"><h2 id="changes">New in {{version}}</h2>{{/first()}}\
        <p>{{.}}</p>{{#last()}}</section>{{/last()}}{{/changes}}
        {{#tags}}{{#first()}}<ul class="words" aria-label="Tags">{{/first()}}<li>{{.}}</li>{{#last()}}</ul>{{/last()}}{{/tags}}
        {{#numbers}}{{#first()}}<section aria-labelledby="numbers"><h2 id="numbers">Numbers</h2><dl>{{/first()}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl></section>{{/last()}}{{/numbers}}
        {{#files}}{{#first()}}<section aria-labelledby="files"><h2 id="files">Files and hashes</h2>{{/first()}}
        <details{{#isPrimary}} open{{/isPrimary}}>
        <summary>{{fileName}} <span class="by">{{fileSize}}</span></summary>
        {{^isPrimary}}<p><a href="{{fileHref}}">Download</a></p>{{/isPrimary}}
        <table>
        <tbody>{{#rows}}<tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>{{/rows}}</tbody>
        </table>
        </details>
        {{#last()}}</section>{{/last()}}{{/files}}
        {{#postIDs}}{{#first()}}<section aria-labelledby="posts"><h2 id="posts">Signed posts</h2><table><tbody>{{/first()}}\
        <tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>\
        {{#last()}}</tbody></table></section>{{/last()}}{{/postIDs}}
        </div>
        </div>
        </article>
        {{>foot}}
        """
}
