extension Templates {
    /// The fields of a form, whatever they are.
    static let deskfields = """
        {{#hidden}}<input type="hidden" name="{{hiddenName}}" value="{{hiddenValue}}">{{/hidden}}
        {{#fields}}{{#isBox}}<p class="choice"><input type="checkbox" id="{{fieldID}}" name="{{fieldName}}" value="yes"\
        {{#isChecked}} checked{{/isChecked}}{{#isLocked}} disabled{{/isLocked}}>\
        <label for="{{fieldID}}">{{fieldLabel}}{{#fieldHint}} <span class="by">{{.}}</span>{{/fieldHint}}</label></p>{{/isBox}}\
        {{#isChoice}}<fieldset><legend>{{fieldLabel}}</legend>{{#fieldHint}}<p class="by">{{.}}</p>{{/fieldHint}}{{#options}}\
        <p class="choice"><input type="radio" id="{{optionID}}" name="{{fieldName}}" value="{{optionValue}}"\
        {{#isChosen}} checked{{/isChosen}}{{#isLocked}} disabled{{/isLocked}}>\
        <label for="{{optionID}}">{{optionTitle}}{{#optionHint}}: <span class="by">{{.}}</span>{{/optionHint}}</label></p>{{/options}}\
        </fieldset>{{/isChoice}}\
        {{#isMenu}}<p class="field"><label for="{{fieldID}}">{{fieldLabel}}</label><select id="{{fieldID}}" name="{{fieldName}}">{{#options}}\
        <option{{#isChosen}} selected{{/isChosen}}>{{optionValue}}</option>{{/options}}</select></p>{{/isMenu}}\
        {{#isText}}<p class="field"><label for="{{fieldID}}">{{fieldLabel}}</label>{{#fieldHint}}\
        <span class="by" id="{{fieldID}}-hint">{{.}}</span>{{/fieldHint}}<input id="{{fieldID}}" name="{{fieldName}}" value="{{fieldValue}}" \
        maxlength="{{maxLength}}"{{#isRequired}} required{{/isRequired}}{{#isLocked}} disabled{{/isLocked}}\
        {{#fieldHint}} aria-describedby="{{fieldID}}-hint"{{/fieldHint}}></p>{{/isText}}\
        {{#isNumber}}<p class="field"><label for="{{fieldID}}">{{fieldLabel}}</label><input id="{{fieldID}}" name="{{fieldName}}" \
        type="number" min="1" value="{{fieldValue}}"{{#isRequired}} required{{/isRequired}}></p>{{/isNumber}}\
        {{#isArea}}<p class="field"><label for="{{fieldID}}">{{fieldLabel}}</label>{{#fieldHint}}\
        <span class="by" id="{{fieldID}}-hint">{{.}}</span>{{/fieldHint}}<textarea id="{{fieldID}}" name="{{fieldName}}" rows="4" \
        maxlength="{{maxLength}}"{{#isRequired}} required{{/isRequired}}{{#isLocked}} disabled{{/isLocked}}\
        {{#fieldHint}} aria-describedby="{{fieldID}}-hint"{{/fieldHint}}>{{fieldValue}}</textarea></p>{{/isArea}}\
        {{#lockedBy}}<p class="by">[[decided-by-change-it-there]]</p>{{/lockedBy}}{{/fields}}
        """

    static let deskform = """
        <form action="{{formAction}}" method="post"{{#formLabel}} aria-label="{{.}}"{{/formLabel}}>{{>deskfields}}\
        <p><button class="{{#isQuiet}}quiet {{/isQuiet}}button">{{submit}}</button></p></form>
        """

    /// A page of the desk.
    static let desk = """
        {{>head}}
        <article>
        <div class="top"><h1>{{heading}}</h1>{{#lead}}<p class="by">{{.}}</p>{{/lead}}{{>tabs}}</div>
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}</p>{{/trouble}}
        {{#done}}<p role="status"><b>{{.}}</b></p>{{/done}}
        {{#sections}}<section class="part" aria-labelledby="{{sectionID}}"><h2 id="{{sectionID}}">{{sectionTitle}}</h2>
        {{#sectionLead}}<p>{{.}}</p>{{/sectionLead}}{{#hasFacts}}<div class="reading">{{>factlist}}</div>{{/hasFacts}}
        {{#searchAction}}<form class="find" action="{{.}}" method="get" role="search"><label class="unseen" for="{{sectionID}}-q">{{searchLabel}}</label>\
        <input id="{{sectionID}}-q" type="search" name="q" value="{{sought}}" placeholder="{{searchLabel}}" maxlength="64"><button>[[search]]</button></form>{{/searchAction}}
        {{#hasRows}}<div role="region" tabindex="0" aria-labelledby="{{sectionID}}"><table><thead><tr>{{#columns}}\
        <th scope="col">{{.}}</th>{{/columns}}</tr></thead><tbody>{{#rows}}<tr>{{#cells}}<td>{{#isCode}}<code>{{cellText}}</code>{{/isCode}}\
        {{^isCode}}{{#cellHref}}<a href="{{.}}"><bdi>{{cellText}}</bdi></a>{{/cellHref}}\
        {{^cellHref}}<bdi{{#isBad}} class="error"{{/isBad}}>{{cellText}}</bdi>{{/cellHref}}{{/isCode}}</td>{{/cells}}\
        {{#hasRowForms}}<td>{{#folded}}<details{{#isOpen}} open{{/isOpen}}><summary>[[change]] <span class="unseen">{{folded}}</span></summary>{{/folded}}\
        {{#rowForms}}{{>deskform}}{{/rowForms}}{{#folded}}</details>{{/folded}}</td>{{/hasRowForms}}</tr>{{/rows}}</tbody></table></div>{{/hasRows}}
        {{#empty}}<p>{{.}}</p>{{/empty}}
        {{#sectionForms}}<div class="reading">{{>deskform}}</div>{{/sectionForms}}
        {{#hasLinks}}<p class="words">{{#links}}<a class="quiet button" href="{{linkHref}}">{{linkText}}</a> {{/links}}</p>{{/hasLinks}}
        </section>{{/sections}}
        </article>
        {{>foot}}
        """

    /// One step of setting up.
    static let setupStep = """
        {{>head}}
        <section class="reading prose">
        <p class="by">[[step-of]] {{count}}</p>
        <h1>{{heading}}</h1>
        <p>{{lead}}</p>
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}</p>{{/trouble}}
        {{#hasFacts}}{{>factlist}}{{/hasFacts}}
        {{#hasWords}}<div class="box"><p><b>[[your-24-recovery-words-they-are]]</b></p>
        <ol>{{#recovery}}<li><code>{{.}}</code></li>{{/recovery}}</ol></div>{{/hasWords}}
        {{#canShowWords}}<form action="{{path}}" method="post"><p><button class="quiet button" name="choice" value="words">\
        [[show-my-recovery-words]]</button></p></form>{{/canShowWords}}
        {{#note}}<p class="by">{{.}}</p>{{/note}}
        <form action="{{path}}" method="post">{{>deskfields}}
        <p><button class="button" name="choice" value="save">{{submit}}</button> \
        <button class="quiet button" name="choice" value="skip" formnovalidate>[[skip]]</button></p></form>
        {{#back}}<p><a href="{{.}}">[[back]]</a></p>{{/back}}
        </section>
        {{>foot}}
        """

    /// The end of setting up.
    static let setupDone = """
        {{>head}}
        <section class="reading prose">
        <h1>{{heading}}</h1>
        <p>{{lead}}</p>
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}</p>{{/trouble}}
        <ul class="trust plain">{{#steps}}<li{{^isDone}} class="no"{{/isDone}}><a href="{{stepHref}}">{{stepTitle}}</a>{{^isDone}} \
        ([[not-looked-at]]){{/isDone}}</li>{{/steps}}</ul>
        {{^isFinished}}<form action="/setup/done" method="post"><p><button class="button">[[finish]]</button></p></form>{{/isFinished}}
        {{#isFinished}}<h2>[[next]]</h2><ul><li><a href="/admin">[[see-how-the-node-is]]</a></li>
        <li><a href="/help">[[share-a-model]]</a></li><li><a href="/generate">[[draw-pictures-here]]</a></li><li><a href="/setup/currency">[[a-currency-for-tips-and-bounties]]</a></li></ul>{{/isFinished}}
        </section>
        {{>foot}}
        """
}
