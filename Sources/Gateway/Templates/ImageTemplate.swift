extension Templates {
    /// An image with its recipe.
    static let image = """
        {{>head}}
        <article class="image">
        <figure>
        <a href="{{source}}"><img src="{{source}}" width="{{width}}" height="{{height}}" alt="{{alt}}"></a>
        </figure>
        <div class="text">
        <h1>{{heading}}</h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}by <strong>{{creator}}</strong> · \
        <time datetime="{{published}}">{{publishedDay}}</time></p>
        {{#models}}{{#first()}}<p class="by">Made with</p><ul class="words">{{/first()}}\
        <li><a href="{{modelHref}}">{{modelName}}</a></li>{{#last()}}</ul>{{/last()}}{{/models}}
        {{#prompt}}<section aria-labelledby="prompt"><h2 id="prompt">Prompt</h2><p class="quote">{{.}}</p></section>{{/prompt}}
        {{#negativePrompt}}<section aria-labelledby="negative"><h2 id="negative">Negative prompt</h2>\
        <p class="quote">{{.}}</p></section>{{/negativePrompt}}
        {{#settings}}{{#first()}}<section aria-labelledby="settings"><h2 id="settings">Settings</h2><dl>{{/first()}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl></section>{{/last()}}{{/settings}}
        {{#resources}}{{#first()}}<section aria-labelledby="resources"><h2 id="resources">Resources</h2><table>
        <thead><tr><th scope="col">Kind</th><th scope="col">Name</th><th scope="col">Here</th></tr></thead><tbody>{{/first()}}\
        <tr><td>{{resourceKind}}</td><td>{{#resourceHref}}<a href="{{.}}">{{resourceName}}</a>{{/resourceHref}}\
        {{^resourceHref}}{{resourceName}}{{/resourceHref}}</td><td>{{resourceState}}</td></tr>\
        {{#last()}}</tbody></table></section>{{/last()}}{{/resources}}
        {{#paragraphs}}<p>{{.}}</p>{{/paragraphs}}
        {{#siblings}}{{#first()}}<section aria-labelledby="more"><h2 id="more">From the same post</h2>\
        <ul class="feed small">{{/first()}}<li class="card"><a href="{{sampleHref}}"><img src="{{source}}" width="{{width}}" \
        height="{{height}}" alt="{{alt}}" loading="lazy"></a></li>{{#last()}}</ul></section>{{/last()}}{{/siblings}}
        <details><summary>Signed post</summary>
        <table><tbody>{{#postIDs}}<tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>{{/postIDs}}</tbody></table>
        </details>
        </div>
        </article>
        {{>foot}}
        """
}
