extension Templates {
    /// An image with its recipe.
    static let image = """
        {{>head}}
        <article class="image">
        <figure>
        {{#isBlurred}}<div><a class="pic" href="{{unveilHref}}">{{>blurhash}}{{>veiled}}</a>
        <p><a class="button" href="{{unveilHref}}">[[show-the-picture]]</a></p></div>{{/isBlurred}}
        {{^isBlurred}}<a class="pic" href="{{source}}">{{>blurhash}}<img src="{{source}}" width="{{width}}" height="{{height}}" alt="{{alt}}"></a>{{/isBlurred}}
        </figure>
        <div class="text">
        <h1><bdi>{{heading}}</bdi></h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}[[by-2]] <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>\
        {{#creatorHome}} [[of]] {{.}}{{/creatorHome}} · <time datetime="{{published}}">{{publishedDay}}</time>\
        {{#signature}} · [[signed-with-key]] <code>{{keyStart}}</code>{{/signature}}\
        {{#tipHref}} · <a href="{{.}}">[[tip]]</a>{{/tipHref}}\
        {{#reportHref}}<span class="note"><a href="{{levelHref}}">[[level-question]]</a> · <a href="{{.}}">[[report]]</a></span>{{/reportHref}}</p>
        {{#models}}{{#first()}}<p class="by">{{relation}}</p><ul class="words">{{/first()}}\
        <li><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></li>{{#last()}}</ul>{{/last()}}{{/models}}
        {{>reactionrow}}
        <p class="row">{{#remixHref}}<a class="button" href="{{.}}">[[remix]]</a>{{/remixHref}}\
        <a class="{{#remixHref}}quiet {{/remixHref}}button" href="{{source}}" download>[[download]] <span>{{size}}</span></a>\
        {{#bareSource}}<a class="quiet button" href="{{.}}" download>[[without-metadata]]</a>{{/bareSource}}</p>
        {{#text}}<div class="prose part">{{{.}}}</div>{{/text}}
        {{#prompt}}<section aria-labelledby="prompt"><h2 id="prompt">[[prompt]]</h2><p class="quote">{{.}}</p></section>{{/prompt}}
        {{#negativePrompt}}<section aria-labelledby="negative"><h2 id="negative">[[negative-prompt]]</h2>\
        <p class="quote">{{.}}</p></section>{{/negativePrompt}}
        {{#settings}}{{#first()}}<section aria-labelledby="settings"><h2 id="settings">[[settings]]</h2><dl>{{/first()}}\
        <div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{#last()}}</dl></section>{{/last()}}{{/settings}}
        {{#resources}}{{#first()}}<section aria-labelledby="resources"><h2 id="resources">[[resources]]</h2>\
        {{#isVerified}}<p class="yes"><span aria-hidden="true">✓</span> [[every-resource-is-verified]]</p>{{/isVerified}}<table>
        <thead><tr><th scope="col">[[kind]]</th><th scope="col">[[name]]</th><th scope="col">[[here]]</th></tr></thead><tbody>{{/first()}}\
        <tr><td>{{resourceKind}}</td><td>{{#resourceHref}}<a href="{{.}}"><bdi>{{resourceName}}</bdi></a>{{/resourceHref}}\
        {{^resourceHref}}<bdi>{{resourceName}}</bdi>{{/resourceHref}}</td><td>{{resourceState}}</td></tr>\
        {{#last()}}</tbody></table></section>{{/last()}}{{/resources}}
        {{#hasLineage}}<section aria-labelledby="lineage"><h2 id="lineage">[[lineage]]</h2>{{>kin}}</section>{{/hasLineage}}
        {{#siblings}}{{#first()}}<section aria-labelledby="more"><h2 id="more">[[from-the-same-post]]</h2>\
        <ul class="feed small">{{/first()}}<li class="card"><a href="{{sampleHref}}">{{>tinted}}{{#isBlurred}}{{>blank}}<span class="note">[[blurred]] {{levelWord}}</span>{{/isBlurred}}{{^isBlurred}}<img src="{{smallSource}}" width="{{width}}" \
        height="{{height}}" alt="{{alt}}" loading="lazy">{{/isBlurred}}</a></li>{{#last()}}</ul></section>{{/last()}}{{/siblings}}
        {{#hasComments}}<section aria-labelledby="comments"><h2 id="comments">[[comments]]</h2>{{>commentlist}}</section>{{/hasComments}}
        {{>takepart}}
        <details><summary>[[signed-post]]</summary>
        <table><tbody>{{#postIDs}}<tr><th scope="row">{{term}}</th><td><code>{{value}}</code></td></tr>{{/postIDs}}</tbody></table>
        </details>
        </div>
        </article>
        {{>foot}}
        """

    /// The colours that stand in for the picture.
    static let blurhash = """
        {{#hasBlur}}<svg class="ph" viewBox="0 0 4 3" preserveAspectRatio="none" aria-hidden="true">{{#blur}}\
        <path fill="{{cellColour}}" d="M{{x}} {{y}}h1v1h-1z"/>{{/blur}}</svg>{{/hasBlur}}
        """

    /// A picture's place, with nothing in it but what stands in for it, and its level.
    static let veiled = """
        <svg viewBox="0 0 {{width}} {{height}}" width="240" aria-hidden="true"></svg><span class="badge">{{levelWord}}[[blurred-2]]</span>
        """

    /// The colour that stands in for a sample.
    static let tinted = """
        {{#tint}}<svg class="ph" color="{{.}}" aria-hidden="true"></svg>{{/tint}}
        """

    /// What something was made from, and what was made of it.
    static let kin = """
        {{#hasAncestors}}<p class="by">[[made-from]]</p><ul class="plain">{{#ancestors}}<li>{{kinRole}}: \
        {{#kinHref}}<a href="{{.}}"><bdi>{{kinName}}</bdi></a>{{/kinHref}}{{^kinHref}}{{kinName}}{{/kinHref}}\
        {{#kinAuthor}} [[by-2]] <bdi>{{.}}</bdi>{{/kinAuthor}}{{#isFar}} <span class="by">([[further-back]])</span>{{/isFar}}</li>{{/ancestors}}</ul>{{/hasAncestors}}
        {{#hasDescendants}}<p class="by">[[used-in]]</p><ul class="plain">{{#descendants}}<li>\
        {{#kinHref}}<a href="{{.}}"><bdi>{{kinName}}</bdi></a>{{/kinHref}}{{^kinHref}}{{kinName}}{{/kinHref}}\
        {{#kinAuthor}} [[by-2]] <bdi>{{.}}</bdi>{{/kinAuthor}}{{#isFar}} <span class="by">([[further-on]])</span>{{/isFar}}</li>{{/descendants}}</ul>\
        {{#moreDescendants}}<p class="by">[[and-more]]</p>{{/moreDescendants}}{{/hasDescendants}}
        {{#hasRemixes}}<p class="by">[[remixes]]</p><ul class="feed small">{{#remixes}}{{>card}}{{/remixes}}</ul>{{/hasRemixes}}
        """
}
