extension Templates {
    /// What may be published, and what was begun.
    static let publish = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1>[[publish]]</h1><p class="by">[[you-sign-what-you-publish-with]]</p></div>
        {{#kinds}}<form class="box" action="{{kindAction}}" method="post">
        <h2>{{kindTitle}}</h2><p class="by">{{kindWords}}</p>
        <p><button class="button" name="kind" value="{{kindValue}}" aria-label="[[begin]]">[[begin-2]]</button></p>
        </form>{{/kinds}}
        <section class="box"><h2>[[without-a-file]]</h2><ul class="words"><li><a href="/articles/new">[[write-an-article]]</a></li>\
        <li><a href="/collections/new">[[begin-a-collection]]</a></li></ul></section>
        {{#drafts}}{{#first()}}<section class="part" aria-labelledby="drafts"><h2 id="drafts">[[begun]]</h2><ul class="rows">{{/first()}}\
        <li><a href="{{draftHref}}"><bdi>{{draftTitle}}</bdi></a><p class="by">{{draftWords}}</p>\
        <form action="{{discardAction}}" method="post"><button class="quiet" aria-label="[[throw-away]]">[[throw-away-2]]</button></form></li>\
        {{#last()}}</ul></section>{{/last()}}{{/drafts}}
        </div>
        {{>foot}}
        """

    /// Above each step.
    static let publishtop = """
        {{>head}}
        <div class="reading">
        <div class="top">{{>crumb}}<h1><bdi>{{heading}}</bdi></h1><p class="by">{{lead}}</p>{{>tabs}}</div>
        """

    /// What to look at before it is signed.
    static let publishfindings = """
        {{#findings}}{{#first()}}<section class="part" aria-labelledby="findings"><h2 id="findings">[[what-was-found]]</h2><ul class="plain">{{/first()}}\
        <li class="{{#isGrave}}no{{/isGrave}}{{^isGrave}}by{{/isGrave}}"><strong>{{findingKind}}</strong>: {{findingWords}}</li>\
        {{#last()}}</ul></section>{{/last()}}{{/findings}}
        """

    static let publishfiles = """
        {{>publishtop}}
        {{#lost}}<p class="error" role="note">{{.}}.</p>{{/lost}}
        {{>publishfindings}}
        {{#files}}{{#first()}}<ul class="rows">{{/first()}}<li><span class="file"><bdi>{{fileTitle}}</bdi></span> <span class="by">{{fileWords}}</span>\
        <form action="{{removeAction}}" method="post"><button class="quiet" aria-label="[[take-away]]">[[take-away-2]]</button></form></li>{{#last()}}</ul>{{/last()}}{{/files}}
        {{#cutParts}}{{#first()}}<ul class="rows" aria-label="[[cut-on-their-way]]">{{/first()}}<li data-part="{{partID}}" data-size="{{partSize}}" data-name="{{partTitle}}">\
        <bdi>{{partTitle}}</bdi> <span class="by">{{partWords}}</span>\
        <form action="{{removeAction}}" method="post"><button class="quiet" aria-label="[[drop]]">[[drop-it]]</button></form></li>{{#last()}}</ul>{{/last()}}{{/cutParts}}
        <div class="box drop" data-attach="{{attachAction}}">
        {{>form}}
        <p role="status" data-here="[[is-here]]" data-broke="[[the-connection-broke]]" \
        data-early="[[it-is-not-all-here-yet]]" data-again="[[what-came-is-kept]]"></p><progress max="100" value="0" hidden aria-label="[[how-much-is-sent]]"></progress>
        </div>
        <p class="by">{{quota}}</p>
        {{#onwardHref}}<p><a class="button" href="{{.}}">[[on-to]] {{onwardText}}</a></p>{{/onwardHref}}
        </div>
        {{>foot}}
        """

    static let publishabout = """
        {{>publishtop}}
        {{>publishfindings}}
        {{>form}}
        </div>
        {{>foot}}
        """

    static let publishsign = """
        {{>publishtop}}
        {{>publishfindings}}
        <section class="part box" aria-labelledby="preview"><h2 id="preview">[[what-you-sign]]</h2>{{>factlist}}
        {{#description}}<div class="prose">{{{.}}}</div>{{/description}}</section>
        {{#samples}}{{#first()}}<section class="part" aria-labelledby="samples"><h2 id="samples">[[samples]]</h2><ul class="rows">{{/first()}}\
        <li><bdi>{{fileTitle}}</bdi> <span class="by">{{fileWords}}</span></li>{{#last()}}</ul></section>{{/last()}}{{/samples}}
        {{>form}}
        {{^form}}<p class="error" role="alert">[[it-cannot-be-signed-like-this]]</p>{{/form}}
        </div>
        {{>foot}}
        """
}
