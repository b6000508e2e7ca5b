extension Templates {
    /// An image with its recipe.
    static let image = """
        {{>head}}
        <article class="image">
        <figure>
        <a href="{{source}}"><img src="{{source}}" width="{{width}}" height="{{height}}" alt="{{alt}}"></a>
        </figure>
        <div class="text">
        <h1><bdi>{{heading}}</bdi></h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}by <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>\
        {{#creatorHome}} of {{.}}{{/creatorHome}} · <time datetime="{{published}}">{{publishedDay}}</time>\
        {{#signature}} · signed with key <code>{{keyStart}}</code>{{/signature}}</p>
        {{#models}}{{#first()}}<p class="by">{{relation}}</p><ul class="words">{{/first()}}\
        <li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>{{#last()}}</ul>{{/last()}}{{/models}}
        {{>reactionrow}}
        <p><a class="button" href="{{source}}" download>Download <span>{{size}}, with its metadata</span></a>\
        {{#remixHref}} <a class="button" href="{{.}}">Remix</a>{{/remixHref}}\
        {{#bareSource}} <a class="quiet button" href="{{.}}" download>Without its metadata</a>{{/bareSource}}</p>
        {{#text}}<div class="prose part">{{{.}}}</div>{{/text}}
        {{#prompt}}<section aria-labelledby="prompt"><h2 id="prompt">Prompt</h2><p class="quote">{{.}}</p></section>{{/prompt}}
        {{#negativePrompt}}<section aria-labelledby="negative"><h2 id="negative">Negative prompt</h2>\
        <p class="quote">{{.}}</p></section>{{/negativePrompt}}
        {{#settings}}{{#first()}}<section aria-labelledby="settings"><h2 id="settings">Settings</h2><dl>{{/first()}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl></section>{{/last()}}{{/settings}}
        {{#resources}}{{#first()}}<section aria-labelledby="resources"><h2 id="resources">Resources</h2>\
        {{#isVerified}}<p class="yes"><span aria-hidden="true">✓</span> Every resource is verified.</p>{{/isVerified}}<table>
        <thead><tr><th scope="col">Kind</th><th scope="col">Name</th><th scope="col">Here</th></tr></thead><tbody>{{/first()}}\
        <tr><td>{{resourceKind}}</td><td>{{#resourceHref}}<a href="{{.}}"><bdi>{{resourceName}}</bdi></a>{{/resourceHref}}\
        {{^resourceHref}}<bdi>{{resourceName}}</bdi>{{/resourceHref}}</td><td>{{resourceState}}</td></tr>\
        {{#last()}}</tbody></table></section>{{/last()}}{{/resources}}
        {{#hasLineage}}<section aria-labelledby="lineage"><h2 id="lineage">Lineage</h2>{{>kin}}</section>{{/hasLineage}}
        {{#siblings}}{{#first()}}<section aria-labelledby="more"><h2 id="more">From the same post</h2>\
        <ul class="feed small">{{/first()}}<li class="card"><a href="{{sampleHref}}"><img src="{{smallSource}}" width="{{width}}" \
        height="{{height}}" alt="{{alt}}" loading="lazy"></a></li>{{#last()}}</ul></section>{{/last()}}{{/siblings}}
        {{#hasComments}}<section aria-labelledby="comments"><h2 id="comments">Comments</h2>{{>commentlist}}</section>{{/hasComments}}
        <details><summary>Signed post</summary>
        <table><tbody>{{#postIDs}}<tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>{{/postIDs}}</tbody></table>
        </details>
        </div>
        </article>
        {{>foot}}
        """

    /// What something was made from, and what was made of it.
    static let kin = """
        {{#hasAncestors}}<p class="by">Made from</p><ul class="plain">{{#ancestors}}<li>{{kinRole}}: \
        {{#kinHref}}<a href="{{.}}"><bdi>{{kinName}}</bdi></a>{{/kinHref}}{{^kinHref}}{{kinName}}{{/kinHref}}\
        {{#kinAuthor}} by <bdi>{{.}}</bdi>{{/kinAuthor}}{{#isFar}} <span class="by">(further back)</span>{{/isFar}}</li>{{/ancestors}}</ul>{{/hasAncestors}}
        {{#hasDescendants}}<p class="by">Used in</p><ul class="plain">{{#descendants}}<li>\
        {{#kinHref}}<a href="{{.}}"><bdi>{{kinName}}</bdi></a>{{/kinHref}}{{^kinHref}}{{kinName}}{{/kinHref}}\
        {{#kinAuthor}} by <bdi>{{.}}</bdi>{{/kinAuthor}}{{#isFar}} <span class="by">(further on)</span>{{/isFar}}</li>{{/descendants}}</ul>\
        {{#moreDescendants}}<p class="by">and {{.}} more</p>{{/moreDescendants}}{{/hasDescendants}}
        {{#hasRemixes}}<p class="by">Remixes</p><ul class="feed small">{{#remixes}}{{>card}}{{/remixes}}</ul>{{/hasRemixes}}
        """
}
