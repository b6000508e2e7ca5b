extension Templates {
    /// Any form.
    static let form = """
        {{#form}}<form action="{{formAction}}" method="post"{{#isUpload}} enctype="multipart/form-data"{{/isUpload}}\
        {{#formLabel}} aria-label="{{.}}"{{/formLabel}}>
        {{#formTrouble}}<p class="error" role="alert">{{.}}.</p>{{/formTrouble}}
        {{#formAccount}}<input hidden autocomplete="username" aria-label="[[account]]" value="{{.}}">{{/formAccount}}
        {{#fields}}{{>field}}{{/fields}}
        <p><button class="button">{{formSends}}</button></p>
        </form>{{/form}}
        """

    static let field = """
        {{#isBox}}<p class="choice"><input type="checkbox" id="{{fieldID}}" name="{{fieldName}}" value="{{fieldValue}}"\
        {{#isTicked}} checked{{/isTicked}}><label for="{{fieldID}}">{{fieldLabel}}</label>\
        {{#fieldTrouble}}<span class="error" id="{{fieldID}}-trouble" role="alert">{{.}}.</span>{{/fieldTrouble}}</p>{{/isBox}}\
        {{^isBox}}<p class="field"><label for="{{fieldID}}">{{fieldLabel}}</label>
        {{#fieldHint}}<span class="by" id="{{fieldID}}-hint">{{.}}</span>{{/fieldHint}}\
        {{#fieldTrouble}}<span class="error" id="{{fieldID}}-trouble" role="alert">{{.}}.</span>{{/fieldTrouble}}
        {{#isLine}}<input type="{{fieldType}}" value="{{fieldValue}}"{{>fieldattributes}}>{{/isLine}}\
        {{#isText}}<textarea rows="{{fieldRows}}"{{>fieldattributes}}>\n{{fieldValue}}</textarea>{{/isText}}\
        {{#isChoice}}<select{{>fieldattributes}}>{{#choices}}<option value="{{choiceValue}}"{{#isChosen}} selected{{/isChosen}}>\
        {{choiceLabel}}</option>{{/choices}}</select>{{/isChoice}}\
        {{#isFiles}}<input type="file"{{#isMany}} multiple{{/isMany}}{{#fieldAccepts}} accept="{{.}}"{{/fieldAccepts}}{{>fieldattributes}}>{{/isFiles}}</p>{{/isBox}}

        """

    static let fieldattributes = """
         id="{{fieldID}}" name="{{fieldName}}"{{#isNeeded}} required{{/isNeeded}}{{#fieldMost}} maxlength="{{.}}"{{/fieldMost}}\
        {{#fieldAutocomplete}} autocomplete="{{.}}"{{/fieldAutocomplete}}\
        {{#fieldTrouble}} aria-invalid="true" aria-describedby="{{fieldID}}-trouble"{{/fieldTrouble}}\
        {{^fieldTrouble}}{{#fieldHint}} aria-describedby="{{fieldID}}-hint"{{/fieldHint}}{{/fieldTrouble}}
        """

    /// A page that is one form.
    static let formpage = """
        {{>head}}
        <div class="reading">
        <div class="top">{{>crumb}}<h1><bdi>{{heading}}</bdi></h1>{{#lead}}<p class="by">{{.}}</p>{{/lead}}</div>
        {{#notice}}<p role="status"><b>{{.}}</b></p>{{/notice}}
        {{#quote}}<div class="prose quote">{{{.}}}</div>{{/quote}}
        {{>form}}
        {{#after}}{{#first()}}<ul class="plain part">{{/first()}}<li><a href="{{linkHref}}">{{linkText}}</a></li>{{#last()}}</ul>{{/last()}}{{/after}}
        </div>
        {{>foot}}
        """

    /// Where somebody signs in; what they typed into another form comes along.
    static let signin = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1>[[sign-in]]</h1>{{#lead}}<p class="by">{{.}}</p>{{/lead}}</div>
        <form action="{{signInAction}}" method="post">
        {{#trouble}}<p class="error" role="alert">{{.}}.</p>{{/trouble}}
        {{#fields}}{{>field}}{{/fields}}
        {{#kept}}<textarea name="kept" hidden aria-label="[[what-you-typed]]">\n{{.}}</textarea>\
        <p role="status">[[what-you-typed-is-kept-you]]</p>{{/kept}}
        <p class="row"><button class="button">[[sign-in]]</button>{{#signUpHref}}<a class="quiet button" href="{{.}}">[[open-an-account]]</a>{{/signUpHref}}</p>
        </form>
        <p class="by">[[your-keys-are-with-you-programs]]</p>
        </div>
        {{>foot}}
        """

    /// The recovery words, shown once.
    static let words = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1>{{heading}}</h1>{{#lead}}<p class="by">{{.}}</p>{{/lead}}</div>
        {{#hasWords}}<section class="part box" aria-labelledby="words"><h2 id="words">[[write-these-24-words-down]]</h2>
        <ol>{{#recoveryWords}}<li><code>{{.}}</code></li>{{/recoveryWords}}</ol>
        <p>[[they-are-shown-this-once-with]]</p></section>{{/hasWords}}
        <p><a class="button" href="{{onwardHref}}">{{onwardText}}</a></p>
        </div>
        {{>foot}}
        """
}
