extension Templates {
    /// Facts as a list of terms.
    static let factlist = """
        <dl>{{#facts}}<div><dt>{{term}}</dt><dd>{{value}}</dd></div>{{/facts}}</dl>
        """

    static let reactionrow = """
        {{#hasReactions}}<ul class="words" aria-label="[[reactions]]">{{#reactions}}\
        <li><bdi>{{emoji}}</bdi> {{emojiCount}}</li>{{/reactions}}</ul>{{/hasReactions}}

        """

    static let byline = """
        <p class="by"><a href="{{textAuthorHref}}"><bdi>{{textAuthor}}</bdi></a>{{#textOrigin}} [[of]] {{.}}{{/textOrigin}} · \
        <time datetime="{{textTime}}">{{textDay}}</time>{{#answered}} · [[answers]] <bdi>{{.}}</bdi>{{/answered}}</p>
        """

    static let reviewlist = """
        <ul class="rows">{{#reviews}}<li>
        <p class="{{#isRecommended}}yes{{/isRecommended}}{{^isRecommended}}no{{/isRecommended}}"><strong>\
        <span aria-hidden="true">{{#isRecommended}}✓{{/isRecommended}}{{^isRecommended}}✕{{/isRecommended}}</span> \
        {{#isRecommended}}[[recommended]]{{/isRecommended}}{{^isRecommended}}[[not-recommended]]{{/isRecommended}}</strong>\
        {{#reviewVersion}} <span class="badge">{{.}}</span>{{/reviewVersion}}</p>
        {{>byline}}
        <div class="prose">{{{textHTML}}}</div>
        {{#reactions}}<span class="badge"><bdi>{{emoji}}</bdi> {{emojiCount}}</span> {{/reactions}}\
        {{#retractHref}}<p class="by"><a href="{{.}}">[[take-back]]</a></p>{{/retractHref}}</li>
        {{/reviews}}</ul>
        """

    static let commentlist = """
        <ol class="rows">{{#comments}}<li class="d{{commentDepth}}">
        {{>byline}}
        <div class="prose">{{{textHTML}}}</div>
        {{#reactions}}<span class="badge"><bdi>{{emoji}}</bdi> {{emojiCount}}</span> {{/reactions}}\
        {{#answerHref}}<p class="by"><a href="{{.}}">[[answer]]</a>{{#retractHref}} · <a href="{{.}}">[[take-back]]</a>{{/retractHref}}</p>{{/answerHref}}</li>
        {{/comments}}</ol>
        """

    /// What whoever is signed in may do here.
    static let takepart = """
        {{#takesPart}}<section class="part" aria-labelledby="take-part"><h2 id="take-part">[[take-part]]</h2>
        <form class="row" action="{{reactAction}}" method="post" aria-label="[[react]]">{{#emojis}}<button name="emoji" value="{{emojiValue}}" \
        aria-label="{{emojiLabel}}"{{#isGiven}} aria-pressed="true" class="button"{{/isGiven}}>{{emojiValue}}</button>{{/emojis}}</form>
        {{#partLinks}}{{#first()}}<ul class="words">{{/first()}}<li><a href="{{linkHref}}">{{linkText}}</a></li>{{#last()}}</ul>{{/last()}}{{/partLinks}}
        {{>form}}</section>{{/takesPart}}\
        {{#partSignIn}}<p class="part">[[sign-in-to-react-comment-or]]</p>{{/partSignIn}}
        """

    static let reviews = """
        {{>head}}
        <div class="reading">
        <div class="top">{{>crumb}}<h1><bdi>{{heading}}</bdi></h1>{{#tally}}<p class="by">{{.}}</p>{{/tally}}</div>
        {{#hasReviews}}{{>reviewlist}}{{/hasReviews}}
        {{^hasReviews}}<section class="empty"><p>[[nobody-has-reviewed-this-model-yet]]</p></section>{{/hasReviews}}
        {{>pager}}
        </div>
        {{>foot}}
        """

    static let discussion = """
        {{>head}}
        <div class="reading">
        <div class="top">{{>crumb}}<h1><bdi>{{heading}}</bdi></h1></div>
        {{#hasComments}}{{>commentlist}}{{/hasComments}}
        {{^hasComments}}<section class="empty"><p>[[nobody-has-said-anything-yet]]</p></section>{{/hasComments}}
        {{>pager}}
        {{>takepart}}
        </div>
        {{>foot}}
        """

    /// The signed log of a model.
    static let history = """
        {{>head}}
        <div class="top">{{>crumb}}<h1><bdi>{{heading}}</bdi></h1>
        <p class="by">[[everything-that-the-author-signed-about]]</p></div>
        <ol class="log">{{#entries}}<li><strong><bdi>{{entryWhat}}</bdi></strong>, {{entryState}}\
        <p class="by"><time datetime="{{entryTime}}">{{entryDay}}</time>\
        {{#entryKey}} · [[key]] <code class="chip">{{.}}</code>{{/entryKey}}{{#entryKeyLabel}} <bdi>{{.}}</bdi>{{/entryKeyLabel}}\
         · [[post]] <code class="chip">{{entryID}}</code></p></li>{{/entries}}</ol>
        {{>foot}}
        """

    /// Why a model stands where it does in a list.
    static let ranking = """
        {{>head}}
        <div class="reading">
        <div class="top">{{>crumb}}<h1><bdi>{{heading}}</bdi></h1>{{>tabs}}</div>
        <section class="part" aria-labelledby="rule"><h2 id="rule">{{order}}</h2><p>{{rule}}</p>
        {{>factlist}}
        <p>[[result-nothing-else-counts-and-nobody]]</p></section>
        <p><a class="quiet button" href="{{listHref}}">[[to-the-list]]</a></p>
        </div>
        {{>foot}}
        """
}
