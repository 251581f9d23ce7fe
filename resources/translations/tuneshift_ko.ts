<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="ko" sourcelanguage="en">
<context>
    <name>AboutDialog</name>
    <message>
        <source>About Tuneshift</source>
        <translation>Tuneshift 정보</translation>
    </message>
    <message>
        <source>Proxy-tuning of language models, with every token explained.</source>
        <translation>언어 모델을 프록시 튜닝하고 모든 토큰을 설명합니다.</translation>
    </message>
    <message>
        <source>Apache License 2.0</source>
        <translation>Apache 라이선스 2.0</translation>
    </message>
    <message>
        <source>Versions</source>
        <translation>버전</translation>
    </message>
    <message>
        <source>&amp;Copy for a bug report</source>
        <translation>버그 신고용으로 복사(&amp;C)</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>복사했습니다</translation>
    </message>
</context>
<context>
    <name>AlignedPromptsModel</name>
    <message>
        <source>no token</source>
        <translation>토큰 없음</translation>
    </message>
</context>
<context>
    <name>AlignedTextView</name>
    <message>
        <source>Tokens of the base above, those of the pair below</source>
        <translation>위는 베이스의 토큰, 아래는 쌍의 토큰</translation>
    </message>
    <message>
        <source>pair: {0}</source>
        <translation>쌍: {0}</translation>
    </message>
</context>
<context>
    <name>AllRolesDialog</name>
    <message>
        <source>Compare all roles</source>
        <translation>모든 역할 비교</translation>
    </message>
    <message>
        <source>Generate again</source>
        <translation>다시 생성</translation>
    </message>
    <message>
        <source>Generate an answer to the prompt with the tuned models and with each role alone</source>
        <translation>튜닝된 모델과 각 역할이 프롬프트에 각각 답하게 합니다</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>Stop all roles; the tokens generated so far are kept (Esc)</source>
        <translation>모든 역할을 중지합니다. 지금까지 생성된 토큰은 남습니다 (Esc)</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Another run is being generated. Stop it first.</source>
        <translation>다른 실행을 생성하고 있습니다. 먼저 중지하십시오.</translation>
    </message>
    <message>
        <source>Waiting for the models …</source>
        <translation>모델 대기 중 …</translation>
    </message>
    <message>
        <source>{0} of {1} have answered.</source>
        <translation>{1}개 중 {0}개 답변 완료.</translation>
    </message>
    <message>
        <source>All roles sampled with the same settings and the same noise.</source>
        <translation>모든 역할이 같은 설정과 같은 노이즈로 샘플링했습니다.</translation>
    </message>
</context>
<context>
    <name>AlphaCurveView</name>
    <message>
        <source>Pair whose α is on the axis</source>
        <translation>α 축에 놓을 쌍</translation>
    </message>
    <message>
        <source>α of pair</source>
        <translation>α 대상 쌍</translation>
    </message>
    <message>
        <source>α of {0}</source>
        <translation>{0}의 α</translation>
    </message>
    <message>
        <source>Probability by α; the left and right arrow keys move the marker</source>
        <translation>α에 따른 확률, 왼쪽·오른쪽 화살표 키로 표식 이동</translation>
    </message>
    <message>
        <source>probability</source>
        <translation>확률</translation>
    </message>
    <message>
        <source>Back to α {0}</source>
        <translation>α {0}(으)로 되돌리기</translation>
    </message>
    <message>
        <source>Estimated from the candidates: the logits of this token are not kept.</source>
        <translation>후보로 추정한 값입니다. 이 토큰의 로짓은 보관되어 있지 않습니다.</translation>
    </message>
    <message>
        <source>{0} from {1}</source>
        <translation>α {1}부터 {0}</translation>
    </message>
    <message>
        <source>Most probable token by α: {0}</source>
        <translation>α에 따른 1순위 토큰: {0}</translation>
    </message>
</context>
<context>
    <name>AlphaMapDialog</name>
    <message>
        <source>Save or copy the map</source>
        <translation>지도 저장 또는 복사</translation>
    </message>
    <message>
        <source>Map of α</source>
        <translation>α 지도</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>척도</translation>
    </message>
    <message>
        <source>Pair whose α varies</source>
        <translation>α를 바꿀 쌍</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>내보내기</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>All pairs together</source>
        <translation>모든 쌍 함께</translation>
    </message>
    <message>
        <source>α of {0}</source>
        <translation>{0}의 α</translation>
    </message>
    <message>
        <source>not known</source>
        <translation>알 수 없음</translation>
    </message>
    <message>
        <source>What if all α were × {0} …</source>
        <translation>모든 α가 × {0}이라면 …</translation>
    </message>
    <message>
        <source>What if α were {0} …</source>
        <translation>α가 {0}(이)라면 …</translation>
    </message>
    <message>
        <source>Click a cell, or move with the arrow keys.</source>
        <translation>칸을 클릭하거나 화살표 키로 이동하세요.</translation>
    </message>
</context>
<context>
    <name>AlphaMapWords</name>
    <message>
        <source>Probability of the token</source>
        <translation>토큰의 확률</translation>
    </message>
    <message>
        <source>Most probable token changed</source>
        <translation>1순위 토큰이 바뀜</translation>
    </message>
    <message>
        <source>Entropy</source>
        <translation>엔트로피</translation>
    </message>
    <message>
        <source>Press Generate first.</source>
        <translation>먼저 생성을 누르세요.</translation>
    </message>
    <message>
        <source>One role generated this run alone: there is no α to change.</source>
        <translation>이 실행은 한 역할이 단독으로 생성했으므로 바꿀 α가 없습니다.</translation>
    </message>
    <message>
        <source>A policy of α scaled α at each token of this run.</source>
        <translation>α 정책이 이 실행의 토큰마다 α를 조절했습니다.</translation>
    </message>
    <message>
        <source>The α of this run differ from token to token, and a what-if question has the same α for all tokens.</source>
        <translation>이 실행의 α는 토큰마다 다르지만, 가정 질문은 모든 토큰에 같은 α를 사용합니다.</translation>
    </message>
    <message>
        <source>factor of all α</source>
        <translation>모든 α의 배수</translation>
    </message>
    <message>
        <source>α of {0}</source>
        <translation>{0}의 α</translation>
    </message>
    <message>
        <source>same</source>
        <translation>같음</translation>
    </message>
    <message>
        <source>another</source>
        <translation>다름</translation>
    </message>
    <message>
        <source>{0} bits</source>
        <translation>{0}비트</translation>
    </message>
    <message>
        <source>Token {0} {1}, {2} = {3}</source>
        <translation>토큰 {0} {1}, {2} = {3}</translation>
    </message>
    <message>
        <source>probability {0}</source>
        <translation>확률 {0}</translation>
    </message>
    <message>
        <source>entropy {0} bits</source>
        <translation>엔트로피 {0}비트</translation>
    </message>
    <message>
        <source>most probable {0}, another than in the run</source>
        <translation>1순위 {0}, 실행 때와 다름</translation>
    </message>
    <message>
        <source>most probable {0}, as in the run</source>
        <translation>1순위 {0}, 실행 때와 같음</translation>
    </message>
    <message>
        <source>estimated</source>
        <translation>추정</translation>
    </message>
    <message>
        <source>{0} of {1} tokens</source>
        <translation>토큰 {1}개 중 {0}개</translation>
    </message>
    <message>
        <source>{0} tokens are estimated from their candidates: their logits are not kept</source>
        <translation>토큰 {0}개는 후보로 추정했습니다. 로짓이 보관되어 있지 않습니다</translation>
    </message>
</context>
<context>
    <name>AlphaPolicyField</name>
    <message>
        <source>How the alphas of all pairs change from token to token while it generates.</source>
        <translation>생성하는 동안 모든 쌍의 α가 토큰마다 어떻게 바뀌는지 정합니다.</translation>
    </message>
    <message>
        <source>constant</source>
        <translation>일정</translation>
    </message>
    <message>
        <source>ramp</source>
        <translation>점진적 변화</translation>
    </message>
    <message>
        <source>only while thinking</source>
        <translation>사고 중에만</translation>
    </message>
    <message>
        <source>only in the answer</source>
        <translation>답변에서만</translation>
    </message>
    <message>
        <source>where the base is undecided</source>
        <translation>베이스가 망설이는 곳</translation>
    </message>
    <message>
        <source>where the base is not sure</source>
        <translation>베이스의 확신이 낮은 곳</translation>
    </message>
    <message>
        <source>where base and expert differ</source>
        <translation>베이스와 전문가가 다른 곳</translation>
    </message>
    <message>
        <source>limit of KL</source>
        <translation>KL 한도</translation>
    </message>
    <message>
        <source>All α are multiplied by a factor that goes from one number to the other.</source>
        <translation>모든 α에 배수를 곱합니다. 배수는 한 값에서 다른 값으로 변합니다.</translation>
    </message>
    <message>
        <source>The answer after the thinking is the base&apos;s own.</source>
        <translation>사고 뒤의 답변은 베이스가 단독으로 생성합니다.</translation>
    </message>
    <message>
        <source>The base thinks without the pairs.</source>
        <translation>베이스는 쌍 없이 사고합니다.</translation>
    </message>
    <message>
        <source>Below the first number the token is the base&apos;s own, from the second on the pairs have their whole α.</source>
        <translation>첫째 값까지는 베이스가 단독으로 토큰을 정하고, 둘째 값부터는 쌍의 α가 모두 적용됩니다.</translation>
    </message>
    <message>
        <source>The probability of the base&apos;s first choice: up to the first number the pairs have their whole α, from the second on the token is the base&apos;s own.</source>
        <translation>베이스의 1순위 확률입니다. 첫째 값까지는 쌍의 α가 모두 적용되고, 둘째 값부터는 베이스가 단독으로 토큰을 정합니다.</translation>
    </message>
    <message>
        <source>The probability that base and expert share: up to the first number a pair has its whole α, from the second on none.</source>
        <translation>베이스와 전문가가 공유하는 확률입니다. 첫째 값까지는 쌍의 α가 모두 적용되고, 둘째 값부터는 적용되지 않습니다.</translation>
    </message>
    <message>
        <source>All α are made smaller at a token until the tuned distribution is at most so far from the base&apos;s.</source>
        <translation>튜닝된 분포와 베이스 분포의 거리가 이 값을 넘지 않도록 토큰마다 모든 α를 줄입니다.</translation>
    </message>
    <message>
        <source>from</source>
        <translation>시작</translation>
    </message>
    <message>
        <source>to</source>
        <translation>끝</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>from, in bits</source>
        <translation>시작 (비트)</translation>
    </message>
    <message>
        <source>to, in bits</source>
        <translation>끝 (비트)</translation>
    </message>
    <message>
        <source>bits</source>
        <translation>비트</translation>
    </message>
</context>
<context>
    <name>AlphaStrip</name>
    <message>
        <source>α of each token</source>
        <translation>토큰별 α</translation>
    </message>
</context>
<context>
    <name>AnswerText</name>
    <message>
        <source>Answer</source>
        <translation>답변</translation>
    </message>
</context>
<context>
    <name>AnswerView</name>
    <message>
        <source>reading the conversation …</source>
        <translation>대화를 읽는 중 …</translation>
    </message>
    <message>
        <source>loading …</source>
        <translation>불러오는 중 …</translation>
    </message>
</context>
<context>
    <name>Application</name>
    <message>
        <source>Tuneshift did not close properly the last time</source>
        <translation>Tuneshift가 지난번에 비정상적으로 종료되었습니다</translation>
    </message>
    <message>
        <source>the log is in {0}</source>
        <translation>로그 위치: {0}</translation>
    </message>
    <message>
        <source>The tokens generated until then are in the history. The recipe is not loaded yet: press Generate or Ctrl+R to load it.</source>
        <translation>그때까지 생성된 토큰은 기록에 있습니다. 레시피가 아직 로드되지 않았습니다. 생성 또는 Ctrl+R을 누르면 로드합니다.</translation>
    </message>
</context>
<context>
    <name>BiasField</name>
    <message>
        <source>Logit bias</source>
        <translation>로짓 편향</translation>
    </message>
    <message>
        <source>Added to the logits of these tokens; −100 excludes one. A click removes it.</source>
        <translation>이 토큰들의 로짓에 더하는 값입니다. −100은 토큰을 제외합니다. 클릭하면 없앱니다.</translation>
    </message>
    <message>
        <source>and {0} more</source>
        <translation>외 {0}개</translation>
    </message>
    <message>
        <source>{0} excluded ✕</source>
        <translation>{0} 제외됨 ✕</translation>
    </message>
    <message>
        <source>{0} {1} ✕</source>
        <translation>{0} {1} ✕</translation>
    </message>
    <message>
        <source>Remove the logit bias of token id {0}</source>
        <translation>토큰 id {0}의 로짓 편향 없애기</translation>
    </message>
</context>
<context>
    <name>BridgedPairs</name>
    <message>
        <source>Pairs of &amp;another tokenizer</source>
        <translation>다른 토크나이저의 쌍(&amp;A)</translation>
    </message>
    <message>
        <source>Pairs of another tokenizer</source>
        <translation>다른 토크나이저의 쌍</translation>
    </message>
    <message>
        <source>Through bytes: every token of the base that the pair&apos;s tokens lead to.
Only equal tokens: those of exactly the same bytes; the pair does not change the probability of others.</source>
        <translation>바이트를 거쳐: 쌍의 토큰이 이르는 베이스의 모든 토큰.
같은 토큰만: 바이트가 똑같은 토큰. 쌍은 다른 토큰의 확률을 바꾸지 않습니다.</translation>
    </message>
    <message>
        <source>What corresponds to what …</source>
        <translation>토큰 대응 보기 …</translation>
    </message>
    <message>
        <source>Through bytes</source>
        <translation>바이트를 거쳐</translation>
    </message>
    <message>
        <source>Only equal tokens</source>
        <translation>같은 토큰만</translation>
    </message>
    <message>
        <source>Refused by the recipe</source>
        <translation>레시피가 거부함</translation>
    </message>
    <message>
        <source>Each pair its own</source>
        <translation>쌍마다 다름</translation>
    </message>
</context>
<context>
    <name>CacheDialog</name>
    <message>
        <source>Downloaded models</source>
        <translation>다운로드한 모델</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>{0} in total, {1} free on disk. Folder: {2}, shared with other programs.</source>
        <translation>모두 {0}, 디스크 여유 {1}. 폴더: {2} (다른 프로그램과 함께 사용)</translation>
    </message>
    <message>
        <source>Models cannot be deleted during a download.</source>
        <translation>다운로드 중에는 모델을 삭제할 수 없습니다.</translation>
    </message>
    <message>
        <source>The current recipe uses one of these models.</source>
        <translation>현재 레시피가 이 모델 중 하나를 사용합니다.</translation>
    </message>
    <message>
        <source>To use them again, you must download them again.</source>
        <translation>다시 사용하려면 다시 다운로드해야 합니다.</translation>
    </message>
    <message>
        <source>Delete …</source>
        <translation>삭제 …</translation>
    </message>
    <message>
        <source>Delete {0} …</source>
        <translation>{0} 삭제 …</translation>
    </message>
    <message>
        <source>Delete models</source>
        <translation>모델 삭제</translation>
    </message>
    <message>
        <source>Delete from this machine?</source>
        <translation>이 컴퓨터에서 삭제하시겠습니까?</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>삭제</translation>
    </message>
    <message>
        <source>Deleting …</source>
        <translation>삭제 중 …</translation>
    </message>
</context>
<context>
    <name>CachedModels</name>
    <message>
        <source>model</source>
        <translation>모델</translation>
    </message>
    <message>
        <source>revision</source>
        <translation>리비전</translation>
    </message>
    <message>
        <source>state</source>
        <translation>상태</translation>
    </message>
    <message>
        <source>last used</source>
        <translation>마지막 사용</translation>
    </message>
    <message>
        <source>size</source>
        <translation>크기</translation>
    </message>
    <message>
        <source>{0}, commit {1} on the Hub</source>
        <translation>{0}, Hub의 커밋 {1}</translation>
    </message>
    <message>
        <source>complete</source>
        <translation>완료</translation>
    </message>
    <message>
        <source>incomplete</source>
        <translation>불완전함</translation>
    </message>
</context>
<context>
    <name>CandidateCheck</name>
    <message>
        <source>The vocabulary of the {0} differs from that of the base</source>
        <translation>{0}의 어휘가 베이스의 어휘와 다릅니다</translation>
    </message>
    <message>
        <source>Choose models that share a tokenizer.</source>
        <translation>토크나이저가 같은 모델을 선택하십시오.</translation>
    </message>
    <message>
        <source>Another tokenizer, which goes through bytes: {0}.</source>
        <translation>다른 토크나이저이므로 바이트를 거칩니다: {0}.</translation>
    </message>
    <message>
        <source>The vocabularies match except for some ids: {0}.</source>
        <translation>일부 id를 제외하고 어휘가 일치합니다: {0}.</translation>
    </message>
    <message>
        <source>The vocabularies match: {0} tokens.</source>
        <translation>어휘가 일치합니다: 토큰 {0}개.</translation>
    </message>
    <message>
        <source>The recipe needs {0} on {1}, where {2} are free.</source>
        <translation>레시피에는 {1}에서 {0}이(가) 필요하며 여유 메모리는 {2}입니다.</translation>
    </message>
    <message>
        <source>id {0} is {1} in the base and {2} in this model</source>
        <translation>id {0}은(는) 베이스에서 {1}, 이 모델에서 {2}</translation>
    </message>
    <message>
        <source>no token</source>
        <translation>토큰 없음</translation>
    </message>
    <message>
        <source>{0} of {1} tokens differ</source>
        <translation>토큰 {1}개 중 {0}개 다름</translation>
    </message>
</context>
<context>
    <name>CandidateModel</name>
    <message>
        <source>token</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>Candidate</source>
        <translation>후보</translation>
    </message>
    <message>
        <source>probability</source>
        <translation>확률</translation>
    </message>
    <message>
        <source>Probability</source>
        <translation>확률</translation>
    </message>
    <message>
        <source>rank</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>Rank, from the most probable</source>
        <translation>확률이 높은 순서의 순위</translation>
    </message>
    <message>
        <source>Probability after tuning</source>
        <translation>튜닝 후 확률</translation>
    </message>
    <message>
        <source>Probability after tuning, estimated from the candidates</source>
        <translation>튜닝 후 확률 (후보로 추정)</translation>
    </message>
    <message>
        <source>tuned</source>
        <translation>튜닝</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>Probability under the base</source>
        <translation>베이스의 확률</translation>
    </message>
    <message>
        <source>Rank after tuning</source>
        <translation>튜닝 후 순위</translation>
    </message>
    <message>
        <source>base rank</source>
        <translation>베이스 순위</translation>
    </message>
    <message>
        <source>Rank under the base</source>
        <translation>베이스의 순위</translation>
    </message>
    <message>
        <source>log p tuned</source>
        <translation>log p 튜닝</translation>
    </message>
    <message>
        <source>logit tuned</source>
        <translation>튜닝 로짓</translation>
    </message>
    <message>
        <source>log p base</source>
        <translation>log p 베이스</translation>
    </message>
    <message>
        <source>logit base</source>
        <translation>베이스 로짓</translation>
    </message>
    <message>
        <source>log p {0}</source>
        <translation>log p {0}</translation>
    </message>
    <message>
        <source>logit {0}</source>
        <translation>{0} 로짓</translation>
    </message>
    <message>
        <source>Natural logarithm of the probability</source>
        <translation>확률의 자연로그</translation>
    </message>
    <message>
        <source>Raw logit, before sampling settings</source>
        <translation>샘플링 설정을 적용하기 전의 로짓</translation>
    </message>
    <message>
        <source>id</source>
        <translation>id</translation>
    </message>
    <message>
        <source>Token id</source>
        <translation>토큰 id</translation>
    </message>
    <message>
        <source>Rank under this role alone</source>
        <translation>이 역할만의 순위</translation>
    </message>
    <message>
        <source>rank {0}</source>
        <translation>순위 {0}</translation>
    </message>
    <message>
        <source>{0}: expert</source>
        <translation>{0}: 전문가</translation>
    </message>
    <message>
        <source>Probability under the expert of {0}</source>
        <translation>{0} 전문가의 확률</translation>
    </message>
    <message>
        <source>{0}: anti</source>
        <translation>{0}: 반전문가</translation>
    </message>
    <message>
        <source>Contribution of {0} to p(tuned) − p(base)</source>
        <translation>p(tuned) − p(base)에 대한 {0}의 기여도</translation>
    </message>
    <message>
        <source>Contribution of {0} to p(tuned) − p(base), approximate: estimated from sampled orders of the pairs</source>
        <translation>p(tuned) − p(base)에 대한 {0}의 기여도 (근사값: 쌍의 순서를 샘플링해 추정)</translation>
    </message>
    <message>
        <source>Contribution of {0} to p(tuned) − p(base), estimated from the candidates</source>
        <translation>p(tuned) − p(base)에 대한 {0}의 기여도 (후보로 추정)</translation>
    </message>
    <message>
        <source>Probability under the anti-expert of {0}</source>
        <translation>{0} 반전문가의 확률</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}: {1}</translation>
    </message>
</context>
<context>
    <name>Candidates</name>
    <message>
        <source>same tokenizer</source>
        <translation>같은 토크나이저</translation>
    </message>
    <message>
        <source>same tokenizer but for {1} ids</source>
        <translation>id {1}개를 빼고 같은 토크나이저</translation>
    </message>
    <message>
        <source>instruct model, same family</source>
        <translation>같은 계열의 지시 모델</translation>
    </message>
    <message>
        <source>instruct model</source>
        <translation>지시 모델</translation>
    </message>
    <message>
        <source>tuned model</source>
        <translation>튜닝된 모델</translation>
    </message>
    <message>
        <source>adapter over {0}</source>
        <translation>{0}의 어댑터</translation>
    </message>
    <message>
        <source>{0} before it was tuned</source>
        <translation>튜닝되기 전의 {0}</translation>
    </message>
    <message>
        <source>the model that {0} adapts</source>
        <translation>{0} 어댑터의 원본 모델</translation>
    </message>
    <message>
        <source>the base itself</source>
        <translation>베이스 자체</translation>
    </message>
    <message>
        <source>untuned model</source>
        <translation>튜닝되지 않은 모델</translation>
    </message>
    <message>
        <source>larger than the base</source>
        <translation>베이스보다 큼</translation>
    </message>
    <message>
        <source>another tokenizer: goes through bytes</source>
        <translation>다른 토크나이저: 바이트를 거침</translation>
    </message>
    <message>
        <source>another tokenizer, and no model here that could be its anti-expert</source>
        <translation>다른 토크나이저이며 반전문가가 될 모델이 여기 없음</translation>
    </message>
    <message>
        <source>the model that it adapts is not on this disk: {0}</source>
        <translation>어댑터의 원본 모델이 이 디스크에 없음: {0}</translation>
    </message>
    <message>
        <source>cannot be used: {0}</source>
        <translation>사용할 수 없음: {0}</translation>
    </message>
    <message>
        <source>not used: {0}</source>
        <translation>사용하지 않음: {0}</translation>
    </message>
    <message>
        <source>its LoRA adapter</source>
        <translation>LoRA 어댑터</translation>
    </message>
    <message>
        <source>Ollama&apos;s template</source>
        <translation>Ollama의 템플릿</translation>
    </message>
    <message>
        <source>its system prompt</source>
        <translation>시스템 프롬프트</translation>
    </message>
    <message>
        <source>its sampling settings</source>
        <translation>샘플링 설정</translation>
    </message>
    <message>
        <source>its messages</source>
        <translation>미리 넣은 메시지</translation>
    </message>
    <message>
        <source>its image encoder</source>
        <translation>이미지 인코더</translation>
    </message>
</context>
<context>
    <name>CandidatesView</name>
    <message>
        <source>Filter</source>
        <translation>필터</translation>
    </message>
    <message>
        <source>Show only candidates that contain this text, or #123 for the token with id 123. A whole token is shown even if it is not among the most probable.</source>
        <translation>이 텍스트가 들어 있는 후보만 표시합니다. #123은 id가 123인 토큰입니다. 온전한 토큰은 확률이 높은 후보가 아니어도 표시합니다.</translation>
    </message>
    <message>
        <source>Filter the candidates by text</source>
        <translation>텍스트로 후보 필터링</translation>
    </message>
    <message>
        <source>Which candidates to show</source>
        <translation>표시할 후보</translation>
    </message>
    <message>
        <source>Candidates at the selected token</source>
        <translation>선택한 토큰의 후보</translation>
    </message>
    <message>
        <source>Generate from here</source>
        <translation>여기서부터 생성</translation>
    </message>
    <message>
        <source>Start a branch that continues from the selected candidate (Enter)</source>
        <translation>선택한 후보에서 이어지는 분기를 시작합니다 (Enter)</translation>
    </message>
    <message>
        <source>Copy as CSV</source>
        <translation>CSV로 복사</translation>
    </message>
    <message>
        <source>Copy all as CSV</source>
        <translation>모두 CSV로 복사</translation>
    </message>
    <message>
        <source>Candidates at {0}</source>
        <translation>{0}에서의 후보</translation>
    </message>
    <message>
        <source>Candidates</source>
        <translation>후보</translation>
    </message>
    <message>
        <source>{0}, estimated</source>
        <translation>{0} (추정)</translation>
    </message>
    <message>
        <source>The logits of this token are not kept: probabilities at another α are estimated from its candidates.</source>
        <translation>이 토큰의 로짓은 보관되어 있지 않습니다. 다른 α에서의 확률은 후보로 추정합니다.</translation>
    </message>
    <message>
        <source>{0}, contributions approximate</source>
        <translation>{0} (기여도 근사)</translation>
    </message>
    <message>
        <source>With more than six pairs, contributions are estimated from sampled orders of the pairs; their sum is exact.</source>
        <translation>쌍이 여섯 개를 넘으면 쌍의 순서를 샘플링해 기여도를 추정합니다. 합은 정확합니다.</translation>
    </message>
    <message>
        <source>All</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>Raised</source>
        <translation>확률 상승</translation>
    </message>
    <message>
        <source>Lowered</source>
        <translation>확률 하락</translation>
    </message>
    <message>
        <source>Mainly by {0}</source>
        <translation>주로 {0}</translation>
    </message>
    <message>
        <source>{0} (#{1}) is not among the candidates, and its values are not stored.</source>
        <translation>{0}(#{1})은(는) 후보에 없으며, 그 값은 저장되어 있지 않습니다.</translation>
    </message>
</context>
<context>
    <name>ChangeModel</name>
    <message>
        <source>{0} → {1}</source>
        <translation>{0} → {1}</translation>
    </message>
    <message>
        <source>base: {0}</source>
        <translation>베이스: {0}</translation>
    </message>
    <message>
        <source>Token {0}, {1}: base → tuned {2}, shift {3} bits, largest contribution by {4}</source>
        <translation>토큰 {0}, {1}: 베이스 → 튜닝 {2}, 변화량 {3}비트, 기여도가 가장 큰 쌍 {4}</translation>
    </message>
    <message>
        <source>Token {0}, {1}: base → tuned {2}, shift {3} bits, largest contribution by {4}; a flip: most probable under the base was {5}</source>
        <translation>토큰 {0}, {1}: 베이스 → 튜닝 {2}, 변화량 {3}비트, 기여도가 가장 큰 쌍 {4}. 1순위가 바뀜: 베이스의 1순위는 {5}</translation>
    </message>
    <message>
        <source>log p(tuned) − log p(base) in bits: one bit is a factor of 2 in probability</source>
        <translation>log p(tuned) − log p(base), 비트 단위: 1비트는 확률 2배</translation>
    </message>
    <message>
        <source>#</source>
        <translation>#</translation>
    </message>
    <message>
        <source>token</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>base → tuned</source>
        <translation>베이스 → 튜닝</translation>
    </message>
    <message>
        <source>shift</source>
        <translation>변화량</translation>
    </message>
    <message>
        <source>main pair</source>
        <translation>주요 쌍</translation>
    </message>
    <message>
        <source>base&apos;s argmax</source>
        <translation>베이스의 1순위</translation>
    </message>
</context>
<context>
    <name>ChangesPanel</name>
    <message>
        <source>Flips first, then by size of shift</source>
        <translation>1순위 변경 먼저, 그다음 변화량이 큰 순서</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>필터</translation>
    </message>
    <message>
        <source>Filter the tokens by text</source>
        <translation>텍스트로 토큰 필터링</translation>
    </message>
    <message>
        <source>Which tokens to list</source>
        <translation>표시할 토큰</translation>
    </message>
    <message>
        <source>Tokens ordered by the size of their shift</source>
        <translation>변화량이 큰 순서의 토큰</translation>
    </message>
    <message>
        <source>{0} of {1} tokens are flips ({2} %)</source>
        <translation>토큰 {1}개 중 {0}개의 1순위가 바뀜 ({2} %)</translation>
    </message>
    <message>
        <source>{0}; {1} listed</source>
        <translation>{0}, {1}개 표시</translation>
    </message>
    <message>
        <source>Press Generate to see which tokens the experts shifted most.</source>
        <translation>생성을 누르면 전문가의 영향이 가장 큰 토큰을 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>One role generated this run alone, so there are no shifts.</source>
        <translation>한 역할이 단독으로 생성한 실행이므로 변화량이 없습니다.</translation>
    </message>
    <message>
        <source>No token matches the filter.</source>
        <translation>필터에 맞는 토큰이 없습니다.</translation>
    </message>
    <message>
        <source>All</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>Flips</source>
        <translation>1순위 바뀜</translation>
    </message>
    <message>
        <source>Mainly by {0}</source>
        <translation>주로 {0}</translation>
    </message>
</context>
<context>
    <name>ChatHeader</name>
    <message>
        <source>Formatted</source>
        <translation>서식</translation>
    </message>
    <message>
        <source>Show answers as formatted text instead of tokens (Ctrl+Shift+M)</source>
        <translation>답변을 토큰 대신 서식 있는 텍스트로 보입니다(Ctrl+Shift+M)</translation>
    </message>
    <message>
        <source>New</source>
        <translation>새 대화</translation>
    </message>
    <message>
        <source>Begin a new conversation; the tab Runs keeps this one (Ctrl+Shift+N)</source>
        <translation>새 대화를 시작합니다. 이 대화는 실행 탭에 남습니다(Ctrl+Shift+N)</translation>
    </message>
</context>
<context>
    <name>ChatView</name>
    <message>
        <source>Write a message …</source>
        <translation>메시지를 쓰세요 …</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>메시지</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>보내기</translation>
    </message>
    <message>
        <source>Send the message (Enter; Shift+Enter for a new line)</source>
        <translation>메시지를 보냅니다(Enter, 줄바꿈은 Shift+Enter)</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>대화</translation>
    </message>
    <message>
        <source>Write a message: the tuned models answer it, and every token of the answer is coloured by how much the experts changed its probability.</source>
        <translation>메시지를 쓰면 튜닝된 모델이 답합니다. 답변의 각 토큰은 전문가가 그 확률을 얼마나 바꾸었는지에 따라 색이 칠해집니다.</translation>
    </message>
    <message>
        <source>Example: {0}</source>
        <translation>예: {0}</translation>
    </message>
</context>
<context>
    <name>ClosingNotice</name>
    <message>
        <source>Tuneshift is closing</source>
        <translation>Tuneshift를 닫는 중</translation>
    </message>
    <message>
        <source>Waiting until these have ended: {0}</source>
        <translation>종료를 기다리는 중: {0}</translation>
    </message>
    <message>
        <source>the models</source>
        <translation>모델</translation>
    </message>
    <message>
        <source>the local server</source>
        <translation>로컬 서버</translation>
    </message>
    <message>
        <source>a download</source>
        <translation>다운로드</translation>
    </message>
    <message>
        <source>the search for models</source>
        <translation>모델 검색</translation>
    </message>
    <message>
        <source>the history</source>
        <translation>기록</translation>
    </message>
    <message>
        <source>the evaluations</source>
        <translation>평가</translation>
    </message>
    <message>
        <source>the training</source>
        <translation>학습</translation>
    </message>
    <message>
        <source>the search in the text</source>
        <translation>텍스트 검색</translation>
    </message>
</context>
<context>
    <name>ColumnsMenu</name>
    <message>
        <source>Columns</source>
        <translation>열</translation>
    </message>
    <message>
        <source>Token id</source>
        <translation>토큰 id</translation>
    </message>
    <message>
        <source>Probability under the base</source>
        <translation>베이스의 확률</translation>
    </message>
    <message>
        <source>Contribution of each pair</source>
        <translation>쌍별 기여도</translation>
    </message>
    <message>
        <source>Probabilities under experts and anti-experts</source>
        <translation>전문가와 반전문가의 확률</translation>
    </message>
    <message>
        <source>Ranks</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>Rank under each expert and anti-expert</source>
        <translation>전문가와 반전문가별 순위</translation>
    </message>
    <message>
        <source>Log-probabilities</source>
        <translation>로그 확률</translation>
    </message>
    <message>
        <source>Logits</source>
        <translation>로짓</translation>
    </message>
    <message>
        <source>Columns of {0}</source>
        <translation>{0}의 열</translation>
    </message>
</context>
<context>
    <name>CompareDialog</name>
    <message>
        <source>Compare runs</source>
        <translation>실행 비교</translation>
    </message>
    <message>
        <source>Run A</source>
        <translation>실행 A</translation>
    </message>
    <message>
        <source>Run B</source>
        <translation>실행 B</translation>
    </message>
    <message>
        <source>Inspect</source>
        <translation>살펴보기</translation>
    </message>
    <message>
        <source>Show run B in the window, with the selected token</source>
        <translation>선택한 토큰 위치에서 실행 B를 창에 표시합니다</translation>
    </message>
    <message>
        <source>Next change</source>
        <translation>다음 차이</translation>
    </message>
    <message>
        <source>Next token at which another token is most probable (F8; Shift+F8 goes back)</source>
        <translation>1순위 토큰이 다른 다음 토큰(F8, Shift+F8은 이전)</translation>
    </message>
    <message>
        <source>Tint B by the &amp;difference from A</source>
        <translation>B를 A와의 차이로 색칠(&amp;D)</translation>
    </message>
    <message>
        <source>{0} — {1}</source>
        <translation>{0} — {1}</translation>
    </message>
    <message>
        <source>The probabilities of the {0} shared tokens have no finite difference; another token is most probable at {1} of them.</source>
        <translation>공통 토큰 {0}개의 확률에는 유한한 차이가 없습니다. 그중 {1}개에서 1순위 토큰이 다릅니다.</translation>
    </message>
    <message>
        <source>B gives the {0} shared tokens {1} less than A on average{2}; the mean absolute difference is {3}, and another token is most probable at {4} of them.</source>
        <translation>B는 공통 토큰 {0}개에 평균 {1}를 A보다 덜 줍니다{2}. 평균 절대 차이는 {3}이고, 그중 {4}개에서 1순위 토큰이 다릅니다.</translation>
    </message>
    <message>
        <source>B gives the {0} shared tokens {1} more than A on average{2}; the mean absolute difference is {3}, and another token is most probable at {4} of them.</source>
        <translation>B는 공통 토큰 {0}개에 평균 {1}를 A보다 더 줍니다{2}. 평균 절대 차이는 {3}이고, 그중 {4}개에서 1순위 토큰이 다릅니다.</translation>
    </message>
    <message>
        <source>After they part, {0} of {1} tokens of B are aligned with A again; stretches: {2}.</source>
        <translation>갈라진 뒤 B의 토큰 {1}개 중 {0}개가 다시 A와 정렬됩니다(구간 {2}개).</translation>
    </message>
    <message>
        <source>{0} B gives them {1} less than A on average{2}; the mean absolute difference is {3}, and another token is most probable at {4} of them.</source>
        <translation>{0} B는 이들에 평균 {1}를 A보다 덜 줍니다{2}. 평균 절대 차이는 {3}이고, 그중 {4}개에서 1순위 토큰이 다릅니다.</translation>
    </message>
    <message>
        <source>{0} B gives them {1} more than A on average{2}; the mean absolute difference is {3}, and another token is most probable at {4} of them.</source>
        <translation>{0} B는 이들에 평균 {1}를 A보다 더 줍니다{2}. 평균 절대 차이는 {3}이고, 그중 {4}개에서 1순위 토큰이 다릅니다.</translation>
    </message>
    <message>
        <source>{0}: token {1} of A, token {2} of B · B gives it {3} less</source>
        <translation>{0}: A의 토큰 {1}, B의 토큰 {2} · B가 {3} 덜 줍니다</translation>
    </message>
    <message>
        <source>{0}: token {1} of A, token {2} of B · B gives it {3} more</source>
        <translation>{0}: A의 토큰 {1}, B의 토큰 {2} · B가 {3} 더 줍니다</translation>
    </message>
    <message>
        <source>{0} · most probable: A {1}, B {2}</source>
        <translation>{0} · 1순위: A {1}, B {2}</translation>
    </message>
    <message>
        <source> (B − A, 95%: {0} to {1})</source>
        <translation> (B − A, 95%: {0} ~ {1})</translation>
    </message>
    <message>
        <source>Tokens at which another token is most probable are underlined. Otherwise both runs are tinted by their shifts, and what they share is muted</source>
        <translation>1순위 토큰이 다른 곳에는 밑줄을 긋습니다. 끄면 두 실행을 각자의 변화량으로 색칠하고, 공통 부분은 흐리게 표시합니다</translation>
    </message>
    <message>
        <source>Scale</source>
        <translation>눈금</translation>
    </message>
    <message>
        <source>Choose two runs.</source>
        <translation>실행 두 개를 선택하십시오.</translation>
    </message>
    <message>
        <source>Both runs have the same tokens.</source>
        <translation>두 실행의 토큰이 같습니다.</translation>
    </message>
    <message>
        <source>The prompts differ; the runs are aligned at their first tokens.</source>
        <translation>프롬프트가 달라 첫 토큰을 맞추어 정렬했습니다.</translation>
    </message>
    <message>
        <source>One run is the beginning of the other.</source>
        <translation>한 실행이 다른 실행의 앞부분입니다.</translation>
    </message>
    <message>
        <source>The runs differ from their first tokens on.</source>
        <translation>두 실행은 첫 토큰부터 다릅니다.</translation>
    </message>
    <message>
        <source>The runs share {0}.</source>
        <translation>공통 부분: {0}.</translation>
    </message>
    <message>
        <source>no tokens yet</source>
        <translation>아직 토큰 없음</translation>
    </message>
    <message>
        <source>no tokens</source>
        <translation>토큰 없음</translation>
    </message>
    <message>
        <source>from token {0} on</source>
        <translation>토큰 {0}부터</translation>
    </message>
    <message>
        <source>perplexity {0}</source>
        <translation>퍼플렉시티 {0}</translation>
    </message>
    <message>
        <source>perplexity {0}, under the base {1}</source>
        <translation>퍼플렉시티 {0}, 베이스에서는 {1}</translation>
    </message>
    <message>
        <source>mean shift {0}</source>
        <translation>평균 변화량 {0}</translation>
    </message>
    <message>
        <source>flips: {0} of {1} tokens</source>
        <translation>1순위 바뀜: 토큰 {1}개 중 {0}개</translation>
    </message>
</context>
<context>
    <name>ConnectionRow</name>
    <message>
        <source>Progress of the check</source>
        <translation>연결 확인 진행률</translation>
    </message>
    <message>
        <source>Asking the server …</source>
        <translation>서버에 묻는 중 …</translation>
    </message>
    <message>
        <source>Cancel the check</source>
        <translation>확인 취소</translation>
    </message>
    <message>
        <source>&amp;Check the connection</source>
        <translation>연결 확인(&amp;C)</translation>
    </message>
    <message>
        <source>model “{0}”</source>
        <translation>모델 “{0}”</translation>
    </message>
    <message>
        <source>context of {0} tokens</source>
        <translation>컨텍스트 토큰 {0}개</translation>
    </message>
    <message>
        <source>tunes with the pairs of the recipe: {0}</source>
        <translation>레시피의 쌍으로 튜닝함: {0}</translation>
    </message>
    <message>
        <source>returns one log-probability for each token</source>
        <translation>토큰마다 로그 확률 1개를 보냄</translation>
    </message>
    <message>
        <source>returns {0} log-probabilities for each token</source>
        <translation>토큰마다 로그 확률 {0}개를 보냄</translation>
    </message>
    <message>
        <source>The server answers: {0}.</source>
        <translation>서버가 응답합니다: {0}.</translation>
    </message>
</context>
<context>
    <name>ContributionBars</name>
    <message>
        <source>Contribution of each pair</source>
        <translation>쌍별 기여도</translation>
    </message>
</context>
<context>
    <name>ConversationMenu</name>
    <message>
        <source>Con&amp;versation</source>
        <translation>대화(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Chat instead of a text</source>
        <translation>텍스트 대신 대화(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;New conversation</source>
        <translation>새 대화(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Edit the message …</source>
        <translation>메시지 고치기(&amp;E) …</translation>
    </message>
    <message>
        <source>Edit the &amp;answer …</source>
        <translation>답변 고치기(&amp;A) …</translation>
    </message>
    <message>
        <source>Pre&amp;vious answer here</source>
        <translation>이 자리의 이전 답변(&amp;V)</translation>
    </message>
    <message>
        <source>Ne&amp;xt answer here</source>
        <translation>이 자리의 다음 답변(&amp;X)</translation>
    </message>
    <message>
        <source>Previous &amp;turn</source>
        <translation>이전 차례(&amp;T)</translation>
    </message>
    <message>
        <source>Next t&amp;urn</source>
        <translation>다음 차례(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Delete from here</source>
        <translation>여기부터 지우기(&amp;D)</translation>
    </message>
    <message>
        <source>Co&amp;py the answer</source>
        <translation>답변 복사(&amp;P)</translation>
    </message>
    <message>
        <source>Cop&amp;y the conversation</source>
        <translation>대화 복사(&amp;Y)</translation>
    </message>
    <message>
        <source>&amp;Formatted answers</source>
        <translation>서식 있는 답변(&amp;F)</translation>
    </message>
</context>
<context>
    <name>Correspondence</name>
    <message>
        <source>exact</source>
        <translation>정확</translation>
    </message>
    <message>
        <source>pieces</source>
        <translation>조각</translation>
    </message>
    <message>
        <source>all pieces</source>
        <translation>모든 조각</translation>
    </message>
    <message>
        <source>first piece</source>
        <translation>첫 조각</translation>
    </message>
    <message>
        <source>no opinion</source>
        <translation>의견 없음</translation>
    </message>
    <message>
        <source>exact: one token of the pair leads to it</source>
        <translation>정확: 쌍의 토큰 하나가 이 토큰에 이릅니다</translation>
    </message>
    <message>
        <source>the pair needs several tokens: exact where the base finds it likely, otherwise its first piece</source>
        <translation>쌍에는 토큰이 여러 개 필요합니다: 베이스가 가능성이 높다고 보면 정확하고, 아니면 첫 조각만 봅니다</translation>
    </message>
    <message>
        <source>the pair needs several tokens, and all of them were read: exact</source>
        <translation>쌍에는 토큰이 여러 개 필요하며, 모두 읽었습니다: 정확</translation>
    </message>
    <message>
        <source>the pair needs several tokens, of which only the first was read, as the base found it unlikely</source>
        <translation>쌍에는 토큰이 여러 개 필요하지만, 베이스가 가능성이 낮다고 보아 첫 토큰만 읽었습니다</translation>
    </message>
    <message>
        <source>no opinion: the pair does not change its probability</source>
        <translation>의견 없음: 쌍이 이 토큰의 확률을 바꾸지 않습니다</translation>
    </message>
    <message>
        <source>{0} of {1} tokens exactly</source>
        <translation>토큰 {1}개 중 {0}개 정확</translation>
    </message>
    <message>
        <source>{0} by all their pieces, exactly</source>
        <translation>{0}개는 모든 조각으로 정확</translation>
    </message>
    <message>
        <source>{0} by pieces</source>
        <translation>{0}개는 조각으로</translation>
    </message>
    <message>
        <source>{0} by their first piece</source>
        <translation>{0}개는 첫 조각으로</translation>
    </message>
    <message>
        <source>{0} without an opinion</source>
        <translation>{0}개는 의견 없음</translation>
    </message>
    <message>
        <source>{0} begin where a token of the pair begins</source>
        <translation>{0}는 쌍의 토큰이 시작하는 곳에서 시작</translation>
    </message>
    <message>
        <source>Of the base&apos;s probability, {0} on average was compared exactly; at the least certain token {1}.</source>
        <translation>베이스의 확률 중 평균 {0}를 정확히 비교했습니다. 가장 불확실한 토큰에서는 {1}입니다.</translation>
    </message>
</context>
<context>
    <name>CorrespondenceDialog</name>
    <message>
        <source>What corresponds to what</source>
        <translation>토큰 대응</translation>
    </message>
    <message>
        <source>Pair</source>
        <translation>쌍</translation>
    </message>
    <message>
        <source>Last answer</source>
        <translation>마지막 답변</translation>
    </message>
    <message>
        <source>Own text</source>
        <translation>직접 입력</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>텍스트</translation>
    </message>
    <message>
        <source>Type or paste a text</source>
        <translation>글을 입력하거나 붙여 넣으십시오</translation>
    </message>
    <message>
        <source>No pair of another tokenizer is loaded.</source>
        <translation>불러온 쌍 중에 토크나이저가 다른 것이 없습니다.</translation>
    </message>
    <message>
        <source>The base&apos;s tokens above, the pair&apos;s below; a line joins the same bytes.</source>
        <translation>위는 베이스의 토큰, 아래는 쌍의 토큰입니다. 선은 같은 바이트를 잇습니다.</translation>
    </message>
</context>
<context>
    <name>CourseView</name>
    <message>
        <source>Samples of the expert, the latest first</source>
        <translation>전문가의 샘플, 최신순</translation>
    </message>
    <message>
        <source>Samples appear here: how the expert continues a held-out text.</source>
        <translation>여기에 샘플이 나타납니다. 전문가가 검증용 글을 이어 쓴 것입니다.</translation>
    </message>
    <message>
        <source>after step {0}</source>
        <translation>{0}단계 후</translation>
    </message>
</context>
<context>
    <name>DataPreview</name>
    <message>
        <source>What the small model will read</source>
        <translation>작은 모델이 읽을 내용</translation>
    </message>
    <message>
        <source>The first examples as the small model reads them. It learns the tinted tokens; what stands before them is only read. Every token has a shade of its own.</source>
        <translation>작은 모델이 읽는 첫 예제들입니다. 색칠된 토큰을 학습하고 그 앞부분은 읽기만 합니다. 이웃한 토큰은 농도로 구별됩니다.</translation>
    </message>
    <message>
        <source>{0} documents in one file: {2} are trained on, {3} are held out.</source>
        <translation>파일 1개, 문서 {0}개: {2}개로 학습하고 {3}개는 검증용으로 남겨 둡니다.</translation>
    </message>
    <message>
        <source>{0} documents in {1} files: {2} are trained on, {3} are held out.</source>
        <translation>파일 {1}개, 문서 {0}개: {2}개로 학습하고 {3}개는 검증용으로 남겨 둡니다.</translation>
    </message>
    <message>
        <source>{0} examples with {1} tokens; half have at most {2}, the longest {3}.</source>
        <translation>예제 {0}개, 토큰 {1}개. 절반은 {2}토큰 이하이고 가장 긴 것은 {3}토큰입니다.</translation>
    </message>
    <message>
        <source>{0} repeated documents and {1} near-duplicates of held-out ones are left out.</source>
        <translation>중복 문서 {0}개와 검증용 문서와 거의 같은 문서 {1}개를 제외했습니다.</translation>
    </message>
</context>
<context>
    <name>DetachButton</name>
    <message>
        <source>Put back</source>
        <translation>되돌리기</translation>
    </message>
    <message>
        <source>Detach</source>
        <translation>분리</translation>
    </message>
    <message>
        <source>Put the plot back into the main window (Ctrl+4).</source>
        <translation>플롯을 주 창으로 되돌립니다(Ctrl+4).</translation>
    </message>
    <message>
        <source>Show the plot in a window of its own, as large as you want (Ctrl+4).</source>
        <translation>플롯을 원하는 크기의 별도 창에 표시합니다(Ctrl+4).</translation>
    </message>
</context>
<context>
    <name>DifferenceLegend</name>
    <message>
        <source>Legend of the difference</source>
        <translation>차이의 범례</translation>
    </message>
    <message>
        <source>less in B  {0}</source>
        <translation>B에서 낮음  {0}</translation>
    </message>
    <message>
        <source>{0} {1}  more in B</source>
        <translation>{0} {1}  B에서 높음</translation>
    </message>
    <message>
        <source>underlined: other argmax</source>
        <translation>밑줄: 1순위 토큰이 다름</translation>
    </message>
    <message>
        <source>line above: beyond the scale</source>
        <translation>위쪽 선: 눈금을 벗어남</translation>
    </message>
</context>
<context>
    <name>DownloadBar</name>
    <message>
        <source>Download</source>
        <translation>다운로드</translation>
    </message>
    <message>
        <source>Progress of the download</source>
        <translation>다운로드 진행률</translation>
    </message>
    <message>
        <source>Retry</source>
        <translation>다시 시도</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>취소</translation>
    </message>
    <message>
        <source>Finished files are kept; an unfinished file is downloaded again.</source>
        <translation>완료된 파일은 남고, 완료되지 않은 파일은 다시 다운로드합니다.</translation>
    </message>
    <message>
        <source>Download of {0} failed</source>
        <translation>{0}을(를) 다운로드하지 못했습니다</translation>
    </message>
    <message>
        <source>{0}, {1} more waiting</source>
        <translation>{0}, {1}개 대기 중</translation>
    </message>
    <message>
        <source>stalled: no data received</source>
        <translation>멈춤: 받은 데이터 없음</translation>
    </message>
    <message>
        <source>Downloading {0}</source>
        <translation>{0} 다운로드 중</translation>
    </message>
    <message>
        <source>Waiting for the Hub …</source>
        <translation>Hub 응답 대기 중 …</translation>
    </message>
    <message>
        <source>{0} of {1}</source>
        <translation>{0} / {1}</translation>
    </message>
    <message>
        <source>{0}/s</source>
        <translation>{0}/s</translation>
    </message>
    <message>
        <source>{0} left</source>
        <translation>{0} 남음</translation>
    </message>
</context>
<context>
    <name>EditMenu</name>
    <message>
        <source>&amp;Edit</source>
        <translation>편집(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>실행 취소(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>다시 실행(&amp;R)</translation>
    </message>
    <message>
        <source>Cu&amp;t</source>
        <translation>잘라내기(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>복사(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>붙여넣기(&amp;P)</translation>
    </message>
    <message>
        <source>Select &amp;all</source>
        <translation>모두 선택(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Find …</source>
        <translation>찾기(&amp;F) …</translation>
    </message>
    <message>
        <source>Find &amp;next</source>
        <translation>다음 찾기(&amp;N)</translation>
    </message>
    <message>
        <source>Find pre&amp;vious</source>
        <translation>이전 찾기(&amp;V)</translation>
    </message>
    <message>
        <source>Copy as &amp;Markdown table</source>
        <translation>Markdown 표로 복사(&amp;M)</translation>
    </message>
    <message>
        <source>The selected tokens with their numbers, or all of them (Ctrl+Shift+C)</source>
        <translation>선택한 토큰 또는 전체 토큰을 수치와 함께 복사합니다 (Ctrl+Shift+C)</translation>
    </message>
    <message>
        <source>typing</source>
        <translation>입력</translation>
    </message>
    <message>
        <source>&amp;Undo {0}</source>
        <translation>실행 취소(&amp;U): {0}</translation>
    </message>
    <message>
        <source>&amp;Redo {0}</source>
        <translation>다시 실행(&amp;R): {0}</translation>
    </message>
</context>
<context>
    <name>EmptyTranscript</name>
    <message>
        <source>&lt;p&gt;&lt;b&gt;Press Generate to continue the prompt.&lt;/b&gt;&lt;/p&gt;&lt;p&gt;Each token is then coloured by its shift: how much the experts changed its probability.&lt;br&gt;You can move α while tokens are generated; the next token uses it.&lt;/p&gt;</source>
        <translation>&lt;p&gt;&lt;b&gt;생성을 누르면 프롬프트를 이어 씁니다.&lt;/b&gt;&lt;/p&gt;&lt;p&gt;각 토큰은 전문가가 확률을 바꾼 정도인 변화량에 따라 색이 입혀집니다.&lt;br&gt;생성 중에 α를 움직이면 다음 토큰부터 반영됩니다.&lt;/p&gt;</translation>
    </message>
    <message>
        <source>New recipe from your own models …</source>
        <translation>내 모델로 새 레시피 만들기 …</translation>
    </message>
</context>
<context>
    <name>EndpointDialog</name>
    <message>
        <source>Base from an API endpoint</source>
        <translation>API 엔드포인트의 베이스</translation>
    </message>
    <message>
        <source>the server&apos;s only model</source>
        <translation>서버의 유일한 모델</translation>
    </message>
    <message>
        <source>All tokens, if the server supports it</source>
        <translation>모든 토큰 (서버가 지원하는 경우)</translation>
    </message>
    <message>
        <source>The server holds the pairs and tunes (tuneshift vllm)</source>
        <translation>서버가 쌍을 갖고 조정함(tuneshift vllm)</translation>
    </message>
    <message>
        <source>The server was started with this recipe by “tuneshift vllm”. No weights are loaded here, and all tokens can be generated. What needs the models or all their logits here cannot be had: one role alone, forks, scoring, evaluations, drafts.</source>
        <translation>서버를 “tuneshift vllm”으로 이 레시피와 함께 시작했습니다. 여기에는 가중치를 불러오지 않으며 모든 토큰을 생성할 수 있습니다. 모델이나 전체 로짓이 여기에 있어야 하는 기능은 쓸 수 없습니다: 한 역할만의 생성, 분기, 채점, 평가, 초안.</translation>
    </message>
    <message>
        <source>A server that was started with this recipe by “tuneshift vllm”. It holds the base and the pairs, and generates. The tokenizers of the pairs must be here.</source>
        <translation>“tuneshift vllm”이 이 레시피로 시작한 서버입니다. 베이스와 쌍을 서버가 가지고 생성합니다. 쌍의 토크나이저는 여기에 있어야 합니다.</translation>
    </message>
    <message>
        <source>A server with the completions API of OpenAI, such as vLLM or llama.cpp. Only tokens whose log-probabilities it returns can be generated. It must use the tokenizer of the expert pairs.</source>
        <translation>vLLM, llama.cpp처럼 OpenAI 완성 API를 제공하는 서버입니다. 서버가 로그 확률을 반환하는 토큰만 생성될 수 있습니다. 전문가 쌍과 같은 토크나이저를 사용해야 합니다.</translation>
    </message>
    <message>
        <source>&amp;Address</source>
        <translation>주소(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>모델(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Log-probabilities</source>
        <translation>로그 확률 수(&amp;L)</translation>
    </message>
    <message>
        <source>A server that tunes uses all logits</source>
        <translation>조정하는 서버는 모든 로짓을 사용합니다</translation>
    </message>
    <message>
        <source>The recipe does not store an API key. {0}</source>
        <translation>API 키는 레시피에 저장되지 않습니다. {0}</translation>
    </message>
    <message>
        <source>Models cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 모델을 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
</context>
<context>
    <name>EngineFields</name>
    <message>
        <source>auto</source>
        <translation>자동</translation>
    </message>
    <message>
        <source>as many as fit</source>
        <translation>들어가는 만큼</translation>
    </message>
    <message>
        <source>all</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>none</source>
        <translation>없음</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>직접 지정</translation>
    </message>
    <message>
        <source>&amp;Engine</source>
        <translation>엔진(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Layers on the GPU</source>
        <translation>GPU에 둘 레이어(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;KV cache</source>
        <translation>KV 캐시(&amp;K)</translation>
    </message>
    <message>
        <source>llama.cpp reads this file. With a dtype, a quantization or offload, transformers reads it.</source>
        <translation>llama.cpp가 이 파일을 읽습니다. dtype, 양자화 또는 오프로드를 지정하면 transformers가 읽습니다.</translation>
    </message>
    <message>
        <source>transformers reads this file, because llama.cpp has no dtype, quantization or offload and cannot apply an adapter of safetensors.</source>
        <translation>transformers가 이 파일을 읽습니다. llama.cpp에는 dtype, 양자화, 오프로드 설정이 없고, safetensors 어댑터를 적용할 수 없기 때문입니다.</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>엔진</translation>
    </message>
    <message>
        <source>auto: llama.cpp, which keeps the file quantized, where it is installed.</source>
        <translation>자동: 설치되어 있으면 파일을 양자화된 채로 읽는 llama.cpp를 씁니다.</translation>
    </message>
    <message>
        <source>Layers on the GPU</source>
        <translation>GPU에 둘 레이어</translation>
    </message>
    <message>
        <source>Without a GPU that llama.cpp can use, this has no effect.</source>
        <translation>llama.cpp가 쓸 수 있는 GPU가 없으면 효과가 없습니다.</translation>
    </message>
    <message>
        <source>Number of layers on the GPU</source>
        <translation>GPU에 둘 레이어 수</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>KV 캐시</translation>
    </message>
    <message>
        <source>Fewer bits: less memory for long texts, slightly less accurate.</source>
        <translation>비트가 적을수록 긴 텍스트에 드는 메모리가 줄고, 정확도가 조금 낮아집니다.</translation>
    </message>
    <message>
        <source>With llama.cpp this file would stay quantized: less memory, and faster. {0}</source>
        <translation>llama.cpp가 있으면 이 파일을 양자화된 채로 읽어 메모리를 덜 쓰고 더 빠릅니다. {0}</translation>
    </message>
</context>
<context>
    <name>Evaluate</name>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>expert</source>
        <translation>전문가</translation>
    </message>
    <message>
        <source>anti-expert</source>
        <translation>반전문가</translation>
    </message>
    <message>
        <source>tuned</source>
        <translation>튜닝</translation>
    </message>
    <message>
        <source>tuned by “{0}”</source>
        <translation>튜닝(“{0}”만)</translation>
    </message>
    <message>
        <source>{0} “{1}”</source>
        <translation>{0} “{1}”</translation>
    </message>
    <message>
        <source>{0}, α × {1}</source>
        <translation>{0}, α × {1}</translation>
    </message>
    <message>
        <source>exact match</source>
        <translation>정확히 일치</translation>
    </message>
    <message>
        <source>contains the answer</source>
        <translation>정답 포함</translation>
    </message>
    <message>
        <source>accuracy</source>
        <translation>정확도</translation>
    </message>
    <message>
        <source>bits per byte</source>
        <translation>바이트당 비트</translation>
    </message>
    <message>
        <source>answered</source>
        <translation>답변함</translation>
    </message>
    <message>
        <source>higher is better</source>
        <translation>높을수록 좋음</translation>
    </message>
    <message>
        <source>lower is better</source>
        <translation>낮을수록 좋음</translation>
    </message>
    <message>
        <source>role</source>
        <translation>역할</translation>
    </message>
    <message>
        <source>± s.e.</source>
        <translation>± 표준 오차</translation>
    </message>
    <message>
        <source>standard error</source>
        <translation>표준 오차</translation>
    </message>
    <message>
        <source>questions</source>
        <translation>문항</translation>
    </message>
    <message>
        <source>(tuned − base) / (direct − base)</source>
        <translation>(튜닝 − 베이스) / (직접 튜닝 − 베이스)</translation>
    </message>
    <message>
        <source>gap closed</source>
        <translation>격차 해소</translation>
    </message>
    <message>
        <source>gap to {0}</source>
        <translation>{0} 대비 격차</translation>
    </message>
    <message>
        <source>{0}, of {1} the first piece, of {2} nothing</source>
        <translation>{0}, {1}은 첫 조각만, {2}은 전혀 알지 못합니다</translation>
    </message>
    <message>
        <source>{0} prompts were truncated at the beginning</source>
        <translation>프롬프트 {0}개의 앞부분이 잘림</translation>
    </message>
    <message>
        <source>Pairs of another vocabulary know {0} of the base&apos;s probability exactly</source>
        <translation>어휘가 다른 쌍이 정확히 아는 비율: 베이스 확률의 {0}</translation>
    </message>
    <message>
        <source>mean of p(tuned) − p(base) of the generated tokens</source>
        <translation>생성된 토큰의 p(tuned) − p(base) 평균</translation>
    </message>
    <message>
        <source>the tokens of the class with the largest mean shift, and how often they occur</source>
        <translation>이 부류에서 평균 변화량이 가장 큰 토큰과 그 횟수</translation>
    </message>
    <message>
        <source>digits</source>
        <translation>숫자</translation>
    </message>
    <message>
        <source>operators</source>
        <translation>연산자</translation>
    </message>
    <message>
        <source>punctuation</source>
        <translation>문장 부호</translation>
    </message>
    <message>
        <source>first words of a sentence</source>
        <translation>문장의 첫 단어</translation>
    </message>
    <message>
        <source>code keywords</source>
        <translation>코드 키워드</translation>
    </message>
    <message>
        <source>other</source>
        <translation>기타</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>count</source>
        <translation>개수</translation>
    </message>
    <message>
        <source>mean shift</source>
        <translation>평균 변화량</translation>
    </message>
    <message>
        <source>most raised</source>
        <translation>가장 높아진 토큰</translation>
    </message>
    <message>
        <source>all</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>Too few questions to compare policies of α: at least {0} are needed.</source>
        <translation>α 정책을 비교하기에는 문항이 너무 적습니다. 최소 {0}개가 필요합니다.</translation>
    </message>
    <message>
        <source>A policy of α is better than the best constant.</source>
        <translation>어느 α 정책이 가장 좋은 일정한 α보다 낫습니다.</translation>
    </message>
    <message>
        <source>No policy of α is better than the best constant.</source>
        <translation>가장 좋은 일정한 α보다 나은 α 정책이 없습니다.</translation>
    </message>
    <message>
        <source>The best, {0}, gains {1} over {2} (95%: {3} to {4}; {5} questions that did not choose them).</source>
        <translation>가장 좋은 {0}은(는) {2}보다 {1} 높습니다 (95%: {3} ~ {4}, 선택에 쓰지 않은 문항 {5}개).</translation>
    </message>
</context>
<context>
    <name>EvaluateDialog</name>
    <message>
        <source>Evaluate</source>
        <translation>평가</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>이어서 하기</translation>
    </message>
    <message>
        <source>Progress of the evaluation</source>
        <translation>평가 진행률</translation>
    </message>
    <message>
        <source>Evaluate the checked roles on the checked tasks (Ctrl+Enter)</source>
        <translation>선택한 역할을 선택한 과제로 평가합니다 (Ctrl+Enter)</translation>
    </message>
    <message>
        <source>Stop the evaluation; the answers so far are kept</source>
        <translation>평가를 중지합니다. 지금까지의 답변은 남습니다</translation>
    </message>
    <message>
        <source>Continue the stopped evaluation</source>
        <translation>중지된 평가를 계속합니다</translation>
    </message>
    <message>
        <source>Scores</source>
        <translation>점수</translation>
    </message>
    <message>
        <source>Questions</source>
        <translation>문항</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>Past</source>
        <translation>지난 평가</translation>
    </message>
    <message>
        <source>Waiting for the first answers …</source>
        <translation>첫 답변을 기다리는 중 …</translation>
    </message>
    <message>
        <source>There are no answers.</source>
        <translation>답변이 없습니다.</translation>
    </message>
    <message>
        <source>There are no saved scores. Resume reads the saved answers and continues.</source>
        <translation>저장된 점수가 없습니다. ‘이어서 하기’를 누르면 저장된 답변을 읽고 계속합니다.</translation>
    </message>
    <message>
        <source>Measure what tuning brings: check tasks and roles on the left and press Evaluate. Every role answers the same questions.</source>
        <translation>튜닝의 효과를 측정합니다. 왼쪽에서 과제와 역할을 선택하고 평가를 누르십시오. 모든 역할이 같은 질문에 답합니다.</translation>
    </message>
    <message>
        <source>This recipe is tuned on a server. Evaluate it in the terminal, which asks many things at once: tuneshift eval --recipe FILE --tasks TASK --roles base,tuned</source>
        <translation>이 레시피는 서버에서 튜닝됩니다. 한 번에 여러 가지를 묻는 터미널에서 평가하세요: tuneshift eval --recipe FILE --tasks TASK --roles base,tuned</translation>
    </message>
    <message>
        <source>No evaluation yet.</source>
        <translation>아직 평가가 없습니다.</translation>
    </message>
    <message>
        <source>Stopped; the answers so far are kept. Resume continues.</source>
        <translation>중지되었습니다. 지금까지의 답변은 남습니다. ‘이어서 하기’를 누르면 계속합니다.</translation>
    </message>
    <message>
        <source>Complete. The answers are saved in {0}</source>
        <translation>완료되었습니다. 답변은 {0}에 저장되었습니다</translation>
    </message>
    <message>
        <source>verifying the {0}</source>
        <translation>{0} 검증 중</translation>
    </message>
    <message>
        <source>{0}, α {1}</source>
        <translation>{0}, α {1}</translation>
    </message>
    <message>
        <source>Stopping …</source>
        <translation>중지 중 …</translation>
    </message>
    <message>
        <source>Waiting for the models …</source>
        <translation>모델 대기 중 …</translation>
    </message>
    <message>
        <source>Reading tasks …</source>
        <translation>과제 읽는 중 …</translation>
    </message>
    <message>
        <source>{0} of {1} answers</source>
        <translation>답변 {0} / {1}개</translation>
    </message>
    <message>
        <source>{0} left</source>
        <translation>{0} 남음</translation>
    </message>
    <message>
        <source>loading the {0}: {1}</source>
        <translation>{0} 로드 중: {1}</translation>
    </message>
    <message>
        <source>{0}, {1}</source>
        <translation>{0}, {1}</translation>
    </message>
</context>
<context>
    <name>EvaluateIndicator</name>
    <message>
        <source>An evaluation is running. Click to see its scores.</source>
        <translation>평가를 실행하고 있습니다. 클릭하면 점수를 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>Evaluating</source>
        <translation>평가 중</translation>
    </message>
    <message>
        <source>Evaluating: {0}</source>
        <translation>평가 중: {0}</translation>
    </message>
    <message>
        <source>Evaluating: {0}, {1} left</source>
        <translation>평가 중: {0}, {1} 남음</translation>
    </message>
</context>
<context>
    <name>ExportBar</name>
    <message>
        <source>Export</source>
        <translation>내보내기</translation>
    </message>
    <message>
        <source>Progress of the export</source>
        <translation>내보내기 진행률</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>취소</translation>
    </message>
    <message>
        <source>Leave the file as it was</source>
        <translation>파일을 이전 상태로 둡니다</translation>
    </message>
    <message>
        <source>Exporting to {0}</source>
        <translation>{0}에 내보내는 중</translation>
    </message>
    <message>
        <source>{0}, {1} more waiting</source>
        <translation>{0}, {1}개 대기 중</translation>
    </message>
</context>
<context>
    <name>Exporting</name>
    <message>
        <source>Report to read in a browser (HTML)</source>
        <translation>브라우저용 보고서 (HTML)</translation>
    </message>
    <message>
        <source>Plot as an image (PNG)</source>
        <translation>플롯 이미지 (PNG)</translation>
    </message>
    <message>
        <source>Plot as vector graphics (SVG)</source>
        <translation>플롯 벡터 그래픽 (SVG)</translation>
    </message>
    <message>
        <source>Tokens as a table (CSV)</source>
        <translation>토큰 표 (CSV)</translation>
    </message>
    <message>
        <source>Tokens as a table (Parquet)</source>
        <translation>토큰 표 (Parquet)</translation>
    </message>
    <message>
        <source>Candidates of all tokens as a table (CSV)</source>
        <translation>모든 토큰의 후보 표 (CSV)</translation>
    </message>
    <message>
        <source>Everything as data (JSON)</source>
        <translation>전체 데이터 (JSON)</translation>
    </message>
    <message>
        <source>Tokens as a Markdown table</source>
        <translation>토큰 Markdown 표</translation>
    </message>
    <message>
        <source>Text only</source>
        <translation>텍스트만</translation>
    </message>
    <message>
        <source>Conversation (Markdown)</source>
        <translation>대화 (Markdown)</translation>
    </message>
    <message>
        <source>Messages as data (JSON)</source>
        <translation>메시지 데이터 (JSON)</translation>
    </message>
    <message>
        <source>The export cannot be written to {0}</source>
        <translation>{0}에 내보낼 수 없습니다</translation>
    </message>
    <message>
        <source>Choose another folder, or make room on its disk.</source>
        <translation>다른 폴더를 선택하거나 디스크 공간을 확보하십시오.</translation>
    </message>
    <message>
        <source>The map cannot be written to {0}</source>
        <translation>지도를 {0}에 쓸 수 없습니다</translation>
    </message>
</context>
<context>
    <name>FiguresModel</name>
    <message>
        <source>{0}, {1}: {2}</source>
        <translation>{0}, {1}: {2}</translation>
    </message>
</context>
<context>
    <name>FileMenu</name>
    <message>
        <source>&amp;File</source>
        <translation>파일(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;New recipe …</source>
        <translation>새 레시피(&amp;N) …</translation>
    </message>
    <message>
        <source>&amp;Open recipe …</source>
        <translation>레시피 열기(&amp;O) …</translation>
    </message>
    <message>
        <source>Recipe &amp;library …</source>
        <translation>레시피 라이브러리(&amp;L) …</translation>
    </message>
    <message>
        <source>&amp;Save recipe as …</source>
        <translation>레시피를 다른 이름으로 저장(&amp;S) …</translation>
    </message>
    <message>
        <source>&amp;History …</source>
        <translation>기록(&amp;H) …</translation>
    </message>
    <message>
        <source>&amp;Export the shown run</source>
        <translation>표시된 실행 내보내기(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Preferences …</source>
        <translation>환경 설정(&amp;P) …</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>종료(&amp;Q)</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>Previous match (Shift+Enter)</source>
        <translation>이전 일치 항목 (Shift+Enter)</translation>
    </message>
    <message>
        <source>Next match (Enter)</source>
        <translation>다음 일치 항목 (Enter)</translation>
    </message>
    <message>
        <source>Close (Esc)</source>
        <translation>닫기 (Esc)</translation>
    </message>
    <message>
        <source>{0} of {1}</source>
        <translation>{0} / {1}</translation>
    </message>
    <message>
        <source>{0} in all</source>
        <translation>모두 {0}</translation>
    </message>
    <message>
        <source>not found</source>
        <translation>찾을 수 없음</translation>
    </message>
</context>
<context>
    <name>FitWords</name>
    <message>
        <source>fits here</source>
        <translation>메모리에 맞음</translation>
    </message>
    <message>
        <source>⚠ too large here</source>
        <translation>⚠ 메모리보다 큼</translation>
    </message>
    <message>
        <source>⚠ Too large for this machine: the weights take about {0}, and its memory has {1}.</source>
        <translation>⚠ 이 컴퓨터에는 너무 큽니다. 가중치에 약 {0}가 필요하지만 메모리는 {1}입니다.</translation>
    </message>
</context>
<context>
    <name>ForkPopup</name>
    <message>
        <source>Fork: continue from another token</source>
        <translation>분기: 다른 토큰으로 이어 가기</translation>
    </message>
    <message>
        <source>Find a candidate, or type any text</source>
        <translation>후보를 찾거나 텍스트 입력</translation>
    </message>
    <message>
        <source>Candidate or text</source>
        <translation>후보 또는 텍스트</translation>
    </message>
    <message>
        <source>Candidates</source>
        <translation>후보</translation>
    </message>
    <message>
        <source>After the last token</source>
        <translation>마지막 토큰 다음</translation>
    </message>
    <message>
        <source>Instead of {0}, token {1}</source>
        <translation>토큰 {1}, {0} 대신</translation>
    </message>
    <message>
        <source>{0} as typed</source>
        <translation>{0} (입력한 그대로)</translation>
    </message>
    <message>
        <source>{0} (current token)</source>
        <translation>{0} (현재 토큰)</translation>
    </message>
    <message>
        <source>Type the text that comes next.</source>
        <translation>이어질 텍스트를 입력하십시오.</translation>
    </message>
    <message>
        <source>Enter: continue with {0} — rank {1}, tuned {2}, base {3}</source>
        <translation>Enter: {0}(으)로 이어 가기 — 순위 {1}, 튜닝 {2}, 베이스 {3}</translation>
    </message>
    <message>
        <source>Enter: continue with the text “{0}”</source>
        <translation>Enter: 텍스트 “{0}”(으)로 이어 가기</translation>
    </message>
</context>
<context>
    <name>GainChart</name>
    <message>
        <source>Chart of the gain over the base at each α</source>
        <translation>각 α에서 베이스 대비 이득 차트</translation>
    </message>
    <message>
        <source>points</source>
        <translation>%p</translation>
    </message>
    <message>
        <source>bits per byte</source>
        <translation>바이트당 비트</translation>
    </message>
    <message>
        <source>less probable, {0}</source>
        <translation>확률 감소, {0}</translation>
    </message>
    <message>
        <source>gain, {0}</source>
        <translation>이득, {0}</translation>
    </message>
    <message>
        <source>α</source>
        <translation>α</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>tuned</source>
        <translation>튜닝</translation>
    </message>
    <message>
        <source>chosen α</source>
        <translation>선택된 α</translation>
    </message>
    <message>
        <source>small model with its adapter</source>
        <translation>어댑터를 붙인 작은 모델</translation>
    </message>
</context>
<context>
    <name>GenerateMenu</name>
    <message>
        <source>&amp;Generate</source>
        <translation>생성(&amp;G)</translation>
    </message>
    <message>
        <source>Generate</source>
        <translation>생성</translation>
    </message>
    <message>
        <source>Not with a base that is tuned on a server: it needs the models here</source>
        <translation>서버에서 조정되는 베이스로는 할 수 없습니다. 모델이 여기에 있어야 합니다</translation>
    </message>
    <message>
        <source>The models do not go together yet: complete the recipe first.</source>
        <translation>모델들을 아직 함께 쓸 수 없습니다. 먼저 레시피를 완성하세요.</translation>
    </message>
    <message>
        <source>Start a run that continues the prompt (Ctrl+Enter)</source>
        <translation>프롬프트를 이어 쓰는 실행을 시작합니다 (Ctrl+Enter)</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>&amp;Regenerate with a new seed</source>
        <translation>새 시드로 다시 생성(&amp;R)</translation>
    </message>
    <message>
        <source>Stop the run after the current token (Esc)</source>
        <translation>현재 토큰 뒤에 실행을 중지합니다 (Esc)</translation>
    </message>
    <message>
        <source>Genera&amp;te one token</source>
        <translation>한 토큰만 생성(&amp;T)</translation>
    </message>
    <message>
        <source>C&amp;ontinue the run</source>
        <translation>실행 이어 쓰기(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Variants …</source>
        <translation>변형(&amp;V) …</translation>
    </message>
    <message>
        <source>Compare &amp;all roles …</source>
        <translation>모든 역할 비교(&amp;A) …</translation>
    </message>
    <message>
        <source>&amp;Many prompts …</source>
        <translation>여러 프롬프트(&amp;M) …</translation>
    </message>
    <message>
        <source>&amp;Score a text …</source>
        <translation>텍스트 스코어링(&amp;S) …</translation>
    </message>
    <message>
        <source>&amp;Evaluate …</source>
        <translation>평가(&amp;E) …</translation>
    </message>
    <message>
        <source>&amp;Prompt preview …</source>
        <translation>프롬프트 미리 보기(&amp;P) …</translation>
    </message>
    <message>
        <source>Prompt &amp;format …</source>
        <translation>프롬프트 형식(&amp;F) …</translation>
    </message>
</context>
<context>
    <name>GroupingMenu</name>
    <message>
        <source>&amp;Group</source>
        <translation>그룹(&amp;G)</translation>
    </message>
</context>
<context>
    <name>HeatLegend</name>
    <message>
        <source>Colours from {0} to {1}</source>
        <translation>{0}부터 {1}까지의 색</translation>
    </message>
</context>
<context>
    <name>HeatMap</name>
    <message>
        <source>Tokens by α; the left and right arrow keys move to other tokens, up and down to other α</source>
        <translation>α에 따른 토큰. 왼쪽·오른쪽 화살표 키는 다른 토큰으로, 위·아래 키는 다른 α로 이동합니다</translation>
    </message>
</context>
<context>
    <name>HelpMenu</name>
    <message>
        <source>&amp;Help</source>
        <translation>도움말(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;How Tuneshift works</source>
        <translation>Tuneshift의 원리(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Tour: make an expert in five minutes</source>
        <translation>둘러보기: 5분 만에 전문가 만들기(&amp;T)</translation>
    </message>
    <message>
        <source>Hint&amp;s</source>
        <translation>도움 문장(&amp;S)</translation>
    </message>
    <message>
        <source>Show or hide the sentences that explain parts of the window.</source>
        <translation>창의 각 부분을 설명하는 문장을 보이거나 숨깁니다.</translation>
    </message>
    <message>
        <source>&amp;Keyboard shortcuts</source>
        <translation>단축키(&amp;K)</translation>
    </message>
    <message>
        <source>&amp;About Tuneshift</source>
        <translation>Tuneshift 정보(&amp;A)</translation>
    </message>
</context>
<context>
    <name>HelpPage</name>
    <message>
        <source>How Tuneshift works</source>
        <translation>Tuneshift의 원리</translation>
    </message>
    <message>
        <source>The method: proxy-tuning</source>
        <translation>방법: 프록시 튜닝</translation>
    </message>
    <message>
        <source>A large model, the base, writes. At every token, two small models read the same text: an expert, which was tuned, and its anti-expert, the same model before it was tuned. Their difference is what tuning changed. It is multiplied by α and added to what the base says; then a token is sampled. The base itself is never changed. With several pairs, all differences are added.

Each model gives every token of its vocabulary a number, its logit, and softmax makes probabilities of them: softmax(base + α (expert − anti-expert)). With α = 0 the text is that of the base alone.

Liu et al., Tuning Language Models by Proxy, arXiv 2401.08565.</source>
        <translation>큰 모델인 베이스가 글을 씁니다. 토큰마다 작은 모델 둘이 같은 글을 읽습니다. 하나는 튜닝된 전문가이고, 다른 하나는 튜닝되기 전의 같은 모델인 반전문가입니다. 둘의 차이가 곧 튜닝이 바꾼 것입니다. 이 차이에 α를 곱해 베이스의 값에 더한 다음 토큰을 샘플링합니다. 베이스 자체는 전혀 바뀌지 않습니다. 쌍이 여럿이면 모든 차이를 더합니다.

모델은 어휘의 모든 토큰에 로짓이라는 수를 매기고, 소프트맥스가 이를 확률로 만듭니다: softmax(베이스 + α (전문가 − 반전문가)). α = 0이면 베이스만의 글이 됩니다.

Liu et al., Tuning Language Models by Proxy, arXiv 2401.08565.</translation>
    </message>
    <message>
        <source>Colours and bits</source>
        <translation>색과 비트</translation>
    </message>
    <message>
        <source>The colour of a token is its shift: how much more or less probable the pairs made it. It is measured in bits: +1 bit is twice as probable as under the base alone, +3 bits eight times, −1 bit half. An underlined token is a flip: the base alone would have had another most probable token there. Select a token to see its candidates.</source>
        <translation>토큰의 색은 이동량, 곧 쌍이 그 토큰을 얼마나 더 또는 덜 확률 높게 만들었는지를 나타냅니다. 단위는 비트입니다. +1비트는 베이스만일 때보다 두 배, +3비트는 여덟 배, −1비트는 절반의 확률입니다. 밑줄이 있는 토큰은 뒤집힘으로, 베이스만이었다면 그 자리에서 가장 확률 높은 토큰이 달랐을 것입니다. 토큰을 선택하면 후보가 보입니다.</translation>
    </message>
    <message>
        <source>The plot</source>
        <translation>그래프</translation>
    </message>
    <message>
        <source>Two lines: the probability of each token under the base alone (dashed) and as tuned (solid). The bars between them say how much of that came from each pair: above zero a pair raised the token, below zero it lowered it. The bars of a token add up exactly to the distance between its two lines.</source>
        <translation>두 선은 각 토큰의 확률입니다. 점선은 베이스만일 때, 실선은 튜닝했을 때입니다. 그 사이의 막대는 그 차이가 어느 쌍에서 얼마나 왔는지를 보여 줍니다. 0보다 위면 쌍이 토큰을 올린 것이고, 아래면 내린 것입니다. 한 토큰의 막대를 모두 더하면 두 선 사이의 거리와 정확히 같습니다.</translation>
    </message>
    <message>
        <source>Why the demo talks nonsense at times</source>
        <translation>데모가 때때로 엉뚱한 말을 하는 이유</translation>
    </message>
    <message>
        <source>The models of the demo have two to seven million parameters, a thousandth of usual ones, so that they ship with the program and start at once. They have learned how plays, stories and sums look, not what is true. They show what α does: move it while tokens are generated. For answers that make sense, take models of your own.</source>
        <translation>데모의 모델은 매개변수가 2백만에서 7백만 개로 보통 모델의 천분의 일입니다. 그래서 프로그램에 들어 있고 바로 시작합니다. 희곡, 이야기, 계산 풀이가 어떻게 생겼는지를 배웠을 뿐 무엇이 사실인지는 배우지 않았습니다. α가 하는 일을 보여 주는 것이 목적이니, 토큰이 생성되는 동안 움직여 보세요. 뜻이 통하는 답을 원하면 자신의 모델을 쓰세요.</translation>
    </message>
    <message>
        <source>Where to go on</source>
        <translation>다음에 할 일</translation>
    </message>
    <message>
        <source>File → New recipe: choose a base from the models on this disk, and the program proposes the rest. Chat, above the text: a conversation instead of one prompt. Runs: every text of this session, with its branches; File → History: of all sessions. Inspect: from one flip to the next. Generate → Evaluate: does tuning help on a task? Help → Keyboard shortcuts: everything by keys.</source>
        <translation>파일 → 새 레시피: 이 디스크의 모델에서 베이스를 고르면 나머지는 프로그램이 제안합니다. 글 위의 대화: 프롬프트 하나 대신 대화를 합니다. 실행: 이번에 만든 모든 글과 그 분기. 파일 → 기록: 지금까지의 모든 글. 살펴보기: 뒤집힌 토큰에서 다음 토큰으로. 생성 → 평가: 과제에서 튜닝이 도움이 되는지. 도움말 → 키보드 단축키: 모든 것을 키로.</translation>
    </message>
</context>
<context>
    <name>HintLabel</name>
    <message>
        <source>Dismiss this hint. Help → Hints shows all of them again.</source>
        <translation>이 문장을 닫습니다. 도움말 → 도움 문장에서 모두 다시 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>Dismiss: {0}</source>
        <translation>닫기: {0}</translation>
    </message>
</context>
<context>
    <name>History</name>
    <message>
        <source>The history has no candidates of this token</source>
        <translation>기록에 이 토큰의 후보가 없습니다</translation>
    </message>
    <message>
        <source>The program was ended before they were written; Run again finds them.</source>
        <translation>후보가 기록되기 전에 프로그램이 종료되었습니다. 다시 실행하면 후보를 구할 수 있습니다.</translation>
    </message>
    <message>
        <source>The history is not open yet</source>
        <translation>기록이 아직 열리지 않았습니다</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>잠시 후 다시 시도하십시오.</translation>
    </message>
</context>
<context>
    <name>HistoryDialog</name>
    <message>
        <source>History</source>
        <translation>기록</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>검색</translation>
    </message>
    <message>
        <source>Tag</source>
        <translation>태그</translation>
    </message>
    <message>
        <source>★ Starred</source>
        <translation>★ 별표</translation>
    </message>
    <message>
        <source>Only starred runs</source>
        <translation>별표한 실행만</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>실행</translation>
    </message>
    <message>
        <source>Star</source>
        <translation>별표</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>열기</translation>
    </message>
    <message>
        <source>Run again</source>
        <translation>다시 실행</translation>
    </message>
    <message>
        <source>Repeat the run with its recipe, its seed and the α of each token</source>
        <translation>같은 레시피, 시드, 토큰별 α로 실행을 반복합니다</translation>
    </message>
    <message>
        <source>Open recipe</source>
        <translation>레시피 열기</translation>
    </message>
    <message>
        <source>No run matches the search.</source>
        <translation>검색과 일치하는 실행이 없습니다.</translation>
    </message>
    <message>
        <source>Every run is saved here.</source>
        <translation>모든 실행이 여기에 저장됩니다.</translation>
    </message>
    <message>
        <source>Remove star</source>
        <translation>별표 해제</translation>
    </message>
    <message>
        <source>Export ▾</source>
        <translation>내보내기 ▾</translation>
    </message>
    <message>
        <source>Search in titles, prompts, texts and models</source>
        <translation>제목, 프롬프트, 텍스트, 모델에서 검색</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>실행 취소</translation>
    </message>
    <message>
        <source>All tags</source>
        <translation>모든 태그</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>내보내기</translation>
    </message>
    <message>
        <source>Deleted “{0}”.</source>
        <translation>“{0}” 삭제됨.</translation>
    </message>
    <message>
        <source>Deleted {0} runs.</source>
        <translation>실행 {0}개 삭제됨.</translation>
    </message>
</context>
<context>
    <name>HistoryEdits</name>
    <message>
        <source>The history is not open yet</source>
        <translation>기록이 아직 열리지 않았습니다</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>잠시 후 다시 시도하십시오.</translation>
    </message>
</context>
<context>
    <name>HubChoice</name>
    <message>
        <source>Gated model: accept its terms at the link, then log in: hf auth login</source>
        <translation>접근이 제한된 모델입니다. 링크에서 약관에 동의한 뒤 로그인하십시오: hf auth login</translation>
    </message>
    <message>
        <source>downloaded</source>
        <translation>다운로드됨</translation>
    </message>
    <message>
        <source>partly downloaded</source>
        <translation>일부 다운로드됨</translation>
    </message>
    <message>
        <source>{0}, all downloaded</source>
        <translation>{0}, 모두 다운로드됨</translation>
    </message>
    <message>
        <source>{0}, of which {1} are downloaded</source>
        <translation>{0}, 그중 {1} 다운로드됨</translation>
    </message>
    <message>
        <source>licence {0}</source>
        <translation>라이선스 {0}</translation>
    </message>
    <message>
        <source>no licence given</source>
        <translation>라이선스 정보 없음</translation>
    </message>
    <message>
        <source>{0} free on disk</source>
        <translation>디스크 여유 {0}</translation>
    </message>
    <message>
        <source>LoRA adapter</source>
        <translation>LoRA 어댑터</translation>
    </message>
</context>
<context>
    <name>HubControls</name>
    <message>
        <source>Models from the Hub</source>
        <translation>Hub 모델</translation>
    </message>
    <message>
        <source>owner/name, or search terms</source>
        <translation>소유자/이름 또는 검색어</translation>
    </message>
    <message>
        <source>Model or search terms</source>
        <translation>모델 또는 검색어</translation>
    </message>
    <message>
        <source>&amp;Search</source>
        <translation>검색(&amp;S)</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>모델</translation>
    </message>
    <message>
        <source>Role</source>
        <translation>역할</translation>
    </message>
    <message>
        <source>Revision</source>
        <translation>리비전</translation>
    </message>
    <message>
        <source>Branch, tag or commit; press Enter to look it up</source>
        <translation>브랜치, 태그 또는 커밋을 입력하고 Enter를 눌러 조회</translation>
    </message>
    <message>
        <source>Download only the tokenizer and compare the vocabularies</source>
        <translation>토크나이저만 다운로드해 어휘를 비교합니다</translation>
    </message>
    <message>
        <source>&amp;Check</source>
        <translation>확인(&amp;C)</translation>
    </message>
    <message>
        <source>Stop checking</source>
        <translation>확인 중지</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>&amp;Revision</source>
        <translation>리비전(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Use as</source>
        <translation>역할(&amp;U)</translation>
    </message>
</context>
<context>
    <name>HubDialog</name>
    <message>
        <source>Models cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 모델을 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>다운로드</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>사용</translation>
    </message>
    <message>
        <source>Look up</source>
        <translation>조회</translation>
    </message>
    <message>
        <source>Download anyway</source>
        <translation>그래도 다운로드</translation>
    </message>
    <message>
        <source>Download {0} anyway</source>
        <translation>그래도 {0} 내려받기</translation>
    </message>
    <message>
        <source>Download {0}</source>
        <translation>{0} 다운로드</translation>
    </message>
    <message>
        <source>If you cancel, finished files are kept; an unfinished file is downloaded again. A download continues after this window is closed.</source>
        <translation>취소하면 완료된 파일은 남고, 완료되지 않은 파일은 다음에 다시 다운로드합니다. 이 창을 닫아도 다운로드는 계속됩니다.</translation>
    </message>
    <message>
        <source>{0} downloaded ({1})</source>
        <translation>다운로드된 {0} ({1})</translation>
    </message>
    <message>
        <source>No models from the Hub downloaded yet</source>
        <translation>허브에서 다운로드한 모델이 아직 없습니다</translation>
    </message>
    <message>
        <source>{0} found. Only models with safetensors weights are listed.</source>
        <translation>{0}을(를) 찾았습니다. safetensors 가중치가 있는 모델만 표시합니다.</translation>
    </message>
    <message>
        <source>{0} The list shows the downloaded models.</source>
        <translation>{0} 목록에는 다운로드된 모델이 표시됩니다.</translation>
    </message>
    <message>
        <source>The download needs {0} of disk space; {1} are free.</source>
        <translation>다운로드에 디스크 공간 {0}이(가) 필요하지만 여유 공간은 {1}입니다.</translation>
    </message>
    <message>
        <source>Downloading the tokenizer and comparing vocabularies …</source>
        <translation>토크나이저를 다운로드하고 어휘를 비교하는 중 …</translation>
    </message>
    <message>
        <source>{0} is downloaded; it can be used after the run has ended.</source>
        <translation>{0}을(를) 다운로드했습니다. 실행이 끝난 뒤 사용할 수 있습니다.</translation>
    </message>
    <message>
        <source>{0} is downloaded and used as: {1}.</source>
        <translation>{0}을(를) 다운로드했습니다. 역할: {1}.</translation>
    </message>
    <message>
        <source>Type a name and press Enter to search the Hub.</source>
        <translation>이름을 입력하고 Enter를 누르면 Hub를 검색합니다.</translation>
    </message>
    <message>
        <source>Searching …</source>
        <translation>검색 중 …</translation>
    </message>
    <message>
        <source>Asking the Hub about {0} …</source>
        <translation>Hub에서 {0} 조회 중 …</translation>
    </message>
    <message>
        <source>The vocabularies cannot be compared yet: {0}.</source>
        <translation>아직 어휘를 비교할 수 없습니다: {0}.</translation>
    </message>
    <message>
        <source>{0} model</source>
        <translation>모델 {0}개</translation>
    </message>
    <message>
        <source>{0} models</source>
        <translation>모델 {0}개</translation>
    </message>
</context>
<context>
    <name>HubResults</name>
    <message>
        <source>model</source>
        <translation>모델</translation>
    </message>
    <message>
        <source>weights</source>
        <translation>가중치</translation>
    </message>
    <message>
        <source>memory</source>
        <translation>메모리</translation>
    </message>
    <message>
        <source>downloads</source>
        <translation>다운로드</translation>
    </message>
    <message>
        <source>likes</source>
        <translation>좋아요</translation>
    </message>
    <message>
        <source>access</source>
        <translation>접근</translation>
    </message>
    <message>
        <source>downloaded</source>
        <translation>다운로드됨</translation>
    </message>
    <message>
        <source>incomplete</source>
        <translation>불완전함</translation>
    </message>
    <message>
        <source>gated</source>
        <translation>승인 필요</translation>
    </message>
    <message>
        <source>open</source>
        <translation>공개</translation>
    </message>
</context>
<context>
    <name>InspectMenu</name>
    <message>
        <source>&amp;Inspect</source>
        <translation>살펴보기(&amp;I)</translation>
    </message>
    <message>
        <source>Next flip</source>
        <translation>다음 1순위 변경</translation>
    </message>
    <message>
        <source>Select the next flip: a token where the experts changed the most probable token (Ctrl+Down)</source>
        <translation>전문가가 1순위를 바꾼 다음 토큰을 선택합니다 (Ctrl+아래)</translation>
    </message>
    <message>
        <source>Previous flip</source>
        <translation>이전 1순위 변경</translation>
    </message>
    <message>
        <source>Select the previous flip: a token where the experts changed the most probable token (Ctrl+Up)</source>
        <translation>전문가가 1순위를 바꾼 이전 토큰을 선택합니다 (Ctrl+위)</translation>
    </message>
    <message>
        <source>Next smaller shift</source>
        <translation>그다음으로 작은 변화량</translation>
    </message>
    <message>
        <source>Select the next token of the Changes tab (Ctrl+Shift+Down)</source>
        <translation>변화 탭의 다음 토큰을 선택합니다 (Ctrl+Shift+아래)</translation>
    </message>
    <message>
        <source>Next larger shift</source>
        <translation>그다음으로 큰 변화량</translation>
    </message>
    <message>
        <source>Select the previous token of the Changes tab (Ctrl+Shift+Up)</source>
        <translation>변화 탭의 이전 토큰을 선택합니다 (Ctrl+Shift+위)</translation>
    </message>
    <message>
        <source>Next token</source>
        <translation>다음 토큰</translation>
    </message>
    <message>
        <source>Previous token</source>
        <translation>이전 토큰</translation>
    </message>
    <message>
        <source>&amp;Map of α …</source>
        <translation>α 지도(&amp;M) …</translation>
    </message>
    <message>
        <source>Show every token of the run at every α (Ctrl+Shift+G)</source>
        <translation>실행의 모든 토큰을 모든 α에서 표시합니다 (Ctrl+Shift+G)</translation>
    </message>
</context>
<context>
    <name>Inspector</name>
    <message>
        <source>Select a token in the text or in the plot to see its candidates.</source>
        <translation>텍스트나 플롯에서 토큰을 선택하면 그 자리의 후보를 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>Not with a base that is tuned on a server: it needs all logits here</source>
        <translation>서버에서 조정되는 베이스로는 할 수 없습니다. 전체 로짓이 여기에 있어야 합니다</translation>
    </message>
</context>
<context>
    <name>LegendToggle</name>
    <message>
        <source>{0}
Click to show or hide it.</source>
        <translation>{0}
클릭하면 표시하거나 숨깁니다.</translation>
    </message>
</context>
<context>
    <name>LocalModelDialog</name>
    <message>
        <source>Models on this disk: {0}</source>
        <translation>이 디스크의 모델: {0}</translation>
    </message>
    <message>
        <source>Models on this disk</source>
        <translation>이 디스크의 모델</translation>
    </message>
    <message>
        <source>Stop searching</source>
        <translation>검색 중지</translation>
    </message>
    <message>
        <source>&amp;Look in a folder …</source>
        <translation>폴더에서 찾기(&amp;L) …</translation>
    </message>
    <message>
        <source>Ma&amp;ke an expert …</source>
        <translation>전문가 만들기(&amp;K) …</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>취소</translation>
    </message>
    <message>
        <source>&amp;Use and load</source>
        <translation>사용하고 불러오기(&amp;U)</translation>
    </message>
    <message>
        <source>Reading model {0} of {1}: {2}</source>
        <translation>모델 {1}개 중 {0}번째를 읽는 중: {2}</translation>
    </message>
    <message>
        <source>Searching for models …</source>
        <translation>모델 검색 중 …</translation>
    </message>
    <message>
        <source>There is no model in {0} or in the folders in it.</source>
        <translation>{0}와(과) 그 안의 폴더에 모델이 없습니다.</translation>
    </message>
    <message>
        <source>Another tokenizer, read by bytes</source>
        <translation>다른 토크나이저, 바이트로 읽음</translation>
    </message>
    <message>
        <source>Do not go with the base</source>
        <translation>베이스와 함께 쓸 수 없음</translation>
    </message>
    <message>
        <source>Cannot be used</source>
        <translation>사용할 수 없음</translation>
    </message>
    <message>
        <source>Choose a folder with models</source>
        <translation>모델이 있는 폴더 선택</translation>
    </message>
</context>
<context>
    <name>LossPlot</name>
    <message>
        <source>training</source>
        <translation>학습</translation>
    </message>
    <message>
        <source>held out</source>
        <translation>검증</translation>
    </message>
    <message>
        <source>best so far</source>
        <translation>지금까지 최저</translation>
    </message>
    <message>
        <source>Plot of the losses</source>
        <translation>손실 그래프</translation>
    </message>
    <message>
        <source>loss in nats per token</source>
        <translation>손실 (토큰당 내트)</translation>
    </message>
    <message>
        <source>step</source>
        <translation>단계</translation>
    </message>
    <message>
        <source>{0} steps; held-out loss {1} at first, {2} after step {3}</source>
        <translation>{0}단계, 검증 손실 처음 {1}, {3}단계 후 {2}</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Left column</source>
        <translation>왼쪽 열</translation>
    </message>
    <message>
        <source>Right column</source>
        <translation>오른쪽 열</translation>
    </message>
    <message>
        <source>Recipe</source>
        <translation>레시피</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>실행</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>Changes</source>
        <translation>변화</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>요약</translation>
    </message>
    <message>
        <source>Actions</source>
        <translation>동작</translation>
    </message>
    <message>
        <source>Generating …</source>
        <translation>생성 중 …</translation>
    </message>
</context>
<context>
    <name>MapFileMenu</name>
    <message>
        <source>Copy &amp;picture</source>
        <translation>그림 복사(&amp;P)</translation>
    </message>
    <message>
        <source>Save as image (PNG) …</source>
        <translation>이미지로 저장 (PNG) …</translation>
    </message>
    <message>
        <source>Save as vector graphics (SVG) …</source>
        <translation>벡터 그래픽으로 저장 (SVG) …</translation>
    </message>
    <message>
        <source>Save as a table (CSV) …</source>
        <translation>표로 저장 (CSV) …</translation>
    </message>
    <message>
        <source>Available when the map is computed.</source>
        <translation>지도 계산이 끝난 뒤에 사용할 수 있습니다.</translation>
    </message>
    <message>
        <source>Save the map of α</source>
        <translation>α 지도 저장</translation>
    </message>
</context>
<context>
    <name>MeasureMenu</name>
    <message>
        <source>&amp;Second plot</source>
        <translation>두 번째 그래프(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Plot</source>
        <translation>그래프(&amp;P)</translation>
    </message>
    <message>
        <source>None</source>
        <translation>없음</translation>
    </message>
    <message>
        <source>In {0}</source>
        <translation>단위: {0}</translation>
    </message>
</context>
<context>
    <name>MemoryBar</name>
    <message>
        <source>cannot be estimated</source>
        <translation>추정할 수 없음</translation>
    </message>
    <message>
        <source>not estimated yet</source>
        <translation>아직 추정하지 않음</translation>
    </message>
    <message>
        <source>Memory: {0}</source>
        <translation>메모리: {0}</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>메모리</translation>
    </message>
    <message>
        <source>Uses {0}, needs {1} of {2}</source>
        <translation>사용 {0}, 필요 {1} / {2}</translation>
    </message>
    <message>
        <source>that of the server</source>
        <translation>서버의 메모리</translation>
    </message>
    <message>
        <source>being estimated …</source>
        <translation>추정 중 …</translation>
    </message>
    <message>
        <source>{0} of {1} free</source>
        <translation>{0} / 여유 {1}</translation>
    </message>
    <message>
        <source>⚠ needs {0}, {1} free</source>
        <translation>⚠ {0} 필요, 여유 {1}</translation>
    </message>
    <message>
        <source>peak on {0}: {1}</source>
        <translation>{0} 최대 사용량: {1}</translation>
    </message>
</context>
<context>
    <name>MemoryChanges</name>
    <message>
        <source>a context of {0} tokens</source>
        <translation>컨텍스트 {0}토큰</translation>
    </message>
    <message>
        <source>NF4 for the base</source>
        <translation>베이스에 NF4</translation>
    </message>
    <message>
        <source>offload the part of the base that does not fit</source>
        <translation>베이스에서 들어가지 않는 부분을 오프로드</translation>
    </message>
    <message>
        <source>bfloat16 instead of float32</source>
        <translation>float32 대신 bfloat16</translation>
    </message>
    <message>
        <source>NF4 for the pair {0}</source>
        <translation>쌍 {0}에 NF4</translation>
    </message>
    <message>
        <source>NF4 for the pairs</source>
        <translation>모든 쌍에 NF4</translation>
    </message>
</context>
<context>
    <name>MemoryDialog</name>
    <message>
        <source>Memory</source>
        <translation>메모리</translation>
    </message>
    <message>
        <source>Load anyway</source>
        <translation>그래도 로드</translation>
    </message>
    <message>
        <source>&amp;Context</source>
        <translation>컨텍스트(&amp;C)</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>컨텍스트</translation>
    </message>
    <message>
        <source>The memory has not been estimated yet.</source>
        <translation>메모리를 아직 추정하지 않았습니다.</translation>
    </message>
    <message>
        <source>{0}: {1} of {2} free</source>
        <translation>{0}: {1} / 여유 {2}</translation>
    </message>
    <message>
        <source>models&apos; maximum</source>
        <translation>모델의 최댓값</translation>
    </message>
    <message>
        <source>The system may end the program when memory runs out.</source>
        <translation>메모리가 부족해지면 시스템이 프로그램을 종료할 수 있습니다.</translation>
    </message>
    <message>
        <source>Maximum number of tokens of prompt and generated text together.</source>
        <translation>프롬프트와 생성된 텍스트를 합한 최대 토큰 수입니다.</translation>
    </message>
    <message>
        <source>The memory is being estimated …</source>
        <translation>메모리를 추정하는 중 …</translation>
    </message>
    <message>
        <source>peak, while loading or generating</source>
        <translation>로드 또는 생성 중 최대 사용량</translation>
    </message>
    <message>
        <source>KV caches of earlier texts, of what is left: at most</source>
        <translation>이전 텍스트의 KV 캐시(남는 메모리 중 최대)</translation>
    </message>
    <message>
        <source>in use now, measured</source>
        <translation>지금 사용 중(측정값)</translation>
    </message>
    <message>
        <source>of it packed copies of weights, only where memory is left</source>
        <translation>그중 패킹한 가중치 사본(메모리가 남을 때만)</translation>
    </message>
    <message>
        <source>⚠ {0}: {1} needed at peak, {2} free</source>
        <translation>⚠ {0}: 최대 {1} 필요, 여유 {2}</translation>
    </message>
    <message>
        <source>Estimated for a context of {0} tokens.</source>
        <translation>{0}토큰 컨텍스트를 기준으로 추정했습니다.</translation>
    </message>
    <message>
        <source>Ways to reduce memory</source>
        <translation>메모리를 줄이는 방법</translation>
    </message>
    <message>
        <source>fits</source>
        <translation>들어감</translation>
    </message>
    <message>
        <source>still too large</source>
        <translation>여전히 부족</translation>
    </message>
    <message>
        <source>{0}: {1}, {2}</source>
        <translation>{0}: {1}, {2}</translation>
    </message>
    <message>
        <source>Apply</source>
        <translation>적용</translation>
    </message>
    <message>
        <source>Apply: {0}</source>
        <translation>적용: {0}</translation>
    </message>
</context>
<context>
    <name>MemoryParts</name>
    <message>
        <source>KV cache</source>
        <translation>KV 캐시</translation>
    </message>
    <message>
        <source>logits and work</source>
        <translation>로짓과 작업 메모리</translation>
    </message>
    <message>
        <source>logits kept for inspection</source>
        <translation>살펴보기용으로 보관하는 로짓</translation>
    </message>
    <message>
        <source>CUDA graphs</source>
        <translation>CUDA 그래프</translation>
    </message>
    <message>
        <source>pinned memory of CUDA graphs</source>
        <translation>CUDA 그래프의 고정 메모리</translation>
    </message>
    <message>
        <source>buffers of llama.cpp</source>
        <translation>llama.cpp 버퍼</translation>
    </message>
    <message>
        <source>libraries</source>
        <translation>라이브러리</translation>
    </message>
    <message>
        <source>{0} and {1}</source>
        <translation>{0} + {1}</translation>
    </message>
    <message>
        <source>{0}: adapter</source>
        <translation>{0}: 어댑터</translation>
    </message>
</context>
<context>
    <name>MenuButton</name>
    <message>
        <source>{0} ▾</source>
        <translation>{0} ▾</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}: {1}</translation>
    </message>
</context>
<context>
    <name>MessageBubble</name>
    <message>
        <source>Your message</source>
        <translation>내 메시지</translation>
    </message>
</context>
<context>
    <name>MethodPicture</name>
    <message>
        <source>good</source>
        <comment>example token</comment>
        <translation>좋은</translation>
    </message>
    <message>
        <source>fine</source>
        <comment>example token</comment>
        <translation>고운</translation>
    </message>
    <message>
        <source>odd</source>
        <comment>example token</comment>
        <translation>이상한</translation>
    </message>
    <message>
        <source>royal</source>
        <comment>example token</comment>
        <translation>왕의</translation>
    </message>
    <message>
        <source>Picture: the probabilities of the base, plus α times expert minus anti-expert, give the tuned probabilities. “{0}” becomes the most probable token.</source>
        <translation>그림: 베이스의 확률에 전문가에서 반전문가를 뺀 값의 α배를 더하면 튜닝된 확률이 됩니다. “{0}”이(가) 가장 확률 높은 토큰이 됩니다.</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>expert − anti-expert</source>
        <translation>전문가 − 반전문가</translation>
    </message>
    <message>
        <source>tuned</source>
        <translation>튜닝</translation>
    </message>
</context>
<context>
    <name>MissingModels</name>
    <message>
        <source>{0} models</source>
        <translation>모델 {0}개</translation>
    </message>
    <message>
        <source>the model</source>
        <translation>모델</translation>
    </message>
    <message>
        <source>Download {0} anyway ({1})</source>
        <translation>그래도 {0} 내려받기 ({1})</translation>
    </message>
    <message>
        <source>Download {0} …</source>
        <translation>{0} 다운로드 …</translation>
    </message>
    <message>
        <source>about {0}</source>
        <translation>약 {0}</translation>
    </message>
    <message>
        <source>Download {0} ({1})</source>
        <translation>{0} 다운로드 ({1})</translation>
    </message>
    <message>
        <source>Asking the Hub …</source>
        <translation>Hub 조회 중 …</translation>
    </message>
    <message>
        <source>Comparing vocabularies …</source>
        <translation>어휘 비교 중 …</translation>
    </message>
    <message>
        <source>Downloading …</source>
        <translation>다운로드 중 …</translation>
    </message>
    <message>
        <source>There is not enough disk space</source>
        <translation>디스크 공간이 부족합니다</translation>
    </message>
    <message>
        <source>needed {0}, free {1}</source>
        <translation>필요 {0}, 여유 {1}</translation>
    </message>
    <message>
        <source>Delete models that you no longer need: Models, Downloaded models.</source>
        <translation>필요 없는 모델을 삭제하십시오: 모델 &gt; 다운로드한 모델.</translation>
    </message>
</context>
<context>
    <name>ModeSwitch</name>
    <message>
        <source>Mode</source>
        <translation>방식</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>텍스트</translation>
    </message>
    <message>
        <source>Continue a text</source>
        <translation>텍스트를 이어 씁니다</translation>
    </message>
    <message>
        <source>Chat</source>
        <translation>대화</translation>
    </message>
    <message>
        <source>Have a conversation, turn by turn</source>
        <translation>차례를 주고받으며 대화합니다</translation>
    </message>
</context>
<context>
    <name>ModelsMenu</name>
    <message>
        <source>&amp;Models</source>
        <translation>모델(&amp;M)</translation>
    </message>
    <message>
        <source>From the &amp;Hub …</source>
        <translation>Hub에서 가져오기(&amp;H) …</translation>
    </message>
    <message>
        <source>&amp;Downloaded models …</source>
        <translation>다운로드한 모델(&amp;D) …</translation>
    </message>
    <message>
        <source>&amp;Load models again</source>
        <translation>모델 다시 로드(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Cancel loading</source>
        <translation>로드 취소(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Vocabulary …</source>
        <translation>어휘(&amp;V) …</translation>
    </message>
    <message>
        <source>&amp;Memory …</source>
        <translation>메모리(&amp;M) …</translation>
    </message>
    <message>
        <source>Make an e&amp;xpert …</source>
        <translation>전문가 만들기(&amp;X) …</translation>
    </message>
    <message>
        <source>&amp;API server …</source>
        <translation>API 서버(&amp;A) …</translation>
    </message>
</context>
<context>
    <name>MoreSettings</name>
    <message>
        <source>auto</source>
        <translation>자동</translation>
    </message>
    <message>
        <source>chat template</source>
        <translation>대화 템플릿</translation>
    </message>
    <message>
        <source>plain text</source>
        <translation>일반 텍스트</translation>
    </message>
    <message>
        <source>a template</source>
        <translation>템플릿 직접 입력</translation>
    </message>
    <message>
        <source>optional: regular expression</source>
        <translation>선택 사항: 정규식</translation>
    </message>
    <message>
        <source>What is compared of an answer: the last match in it. The verdict is then by how many answers are right.</source>
        <translation>답에서 비교할 부분: 마지막으로 일치한 것. 이 경우 맞은 답의 수로 판정합니다.</translation>
    </message>
    <message>
        <source>none</source>
        <translation>없음</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>랭크</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>학습률</translation>
    </message>
    <message>
        <source>Batch size</source>
        <translation>배치 크기</translation>
    </message>
    <message>
        <source>Most tokens</source>
        <translation>최대 토큰 수</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>시드</translation>
    </message>
    <message>
        <source>Prompt format</source>
        <translation>프롬프트 형식</translation>
    </message>
    <message>
        <source>Template</source>
        <translation>템플릿</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>비교</translation>
    </message>
    <message>
        <source>Quantization</source>
        <translation>양자화</translation>
    </message>
</context>
<context>
    <name>NewRecipe</name>
    <message>
        <source>Every model reads a conversation in its own chat template.</source>
        <translation>모든 모델이 자신의 채팅 템플릿으로 대화를 읽습니다.</translation>
    </message>
    <message>
        <source>No model has a chat template. A conversation is read as plain text: {0}</source>
        <translation>채팅 템플릿이 있는 모델이 없습니다. 대화를 일반 텍스트로 읽습니다: {0}</translation>
    </message>
    <message>
        <source>The chat templates are not used. A conversation is read as plain text: {0}</source>
        <translation>채팅 템플릿을 사용하지 않습니다. 대화를 일반 텍스트로 읽습니다: {0}</translation>
    </message>
    <message>
        <source>{1}: no chat template, so a conversation is read as plain text, {0}</source>
        <translation>{1}: 채팅 템플릿이 없으므로 대화를 일반 텍스트로 읽습니다: {0}</translation>
    </message>
    <message>
        <source>Hello!</source>
        <translation>안녕하세요!</translation>
    </message>
    <message>
        <source>New recipe</source>
        <translation>새 레시피</translation>
    </message>
    <message>
        <source>Stop searching</source>
        <translation>검색 중지</translation>
    </message>
    <message>
        <source>&amp;Look in a folder …</source>
        <translation>폴더에서 찾기(&amp;L) …</translation>
    </message>
    <message>
        <source>Ma&amp;ke an expert …</source>
        <translation>전문가 만들기(&amp;K) …</translation>
    </message>
    <message>
        <source>Train a small model on your own texts to be the expert</source>
        <translation>직접 쓴 글로 작은 모델을 학습시켜 전문가로 만듭니다</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>취소</translation>
    </message>
    <message>
        <source>&amp;Create and load</source>
        <translation>만들고 불러오기(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Base</source>
        <translation>베이스(&amp;B)</translation>
    </message>
    <message>
        <source>Writes the text: the model that you want to tune.</source>
        <translation>글을 쓰는 모델입니다. 튜닝하려는 모델을 고르십시오.</translation>
    </message>
    <message>
        <source>&amp;Expert</source>
        <translation>전문가(&amp;E)</translation>
    </message>
    <message>
        <source>Knows what the base lacks: a tuned model, usually a small one.</source>
        <translation>베이스에 없는 것을 아는 모델입니다. 튜닝된 모델로, 보통 작은 모델입니다.</translation>
    </message>
    <message>
        <source>&amp;Anti-expert</source>
        <translation>반전문가(&amp;A)</translation>
    </message>
    <message>
        <source>The expert before it was tuned: only the difference of both tunes the base.</source>
        <translation>튜닝되기 전의 전문가입니다. 둘의 차이만이 베이스를 튜닝합니다.</translation>
    </message>
    <message>
        <source>&amp;Name</source>
        <translation>이름(&amp;N)</translation>
    </message>
    <message>
        <source>Name of the &amp;pair</source>
        <translation>쌍의 이름(&amp;P)</translation>
    </message>
    <message>
        <source>Prompt &amp;format</source>
        <translation>프롬프트 형식(&amp;F)</translation>
    </message>
</context>
<context>
    <name>NewRecipeDialog</name>
    <message>
        <source>Searching for models …</source>
        <translation>모델 검색 중 …</translation>
    </message>
    <message>
        <source>Reading model {0} of {1}: {2}</source>
        <translation>모델 {1}개 중 {0}번째를 읽는 중: {2}</translation>
    </message>
    <message>
        <source>Another tokenizer, read by bytes</source>
        <translation>다른 토크나이저, 바이트로 읽음</translation>
    </message>
    <message>
        <source>Do not go with this base</source>
        <translation>이 베이스와 함께 쓸 수 없음</translation>
    </message>
    <message>
        <source>There is no model in {0} or in the folders in it.</source>
        <translation>{0}와(과) 그 안의 폴더에 모델이 없습니다.</translation>
    </message>
    <message>
        <source>No models of your own were found. Look in the folder that holds them, or download some: Models → From the Hub.</source>
        <translation>사용자의 모델을 찾지 못했습니다. 모델이 있는 폴더에서 찾거나 ‘모델 → Hub에서 가져오기’로 다운로드하십시오.</translation>
    </message>
    <message>
        <source>No model here goes with {0}. An expert has the same tokenizer, such as a smaller instruct model of the same family, or another tokenizer and its anti-expert here. Or make one from your own texts.</source>
        <translation>{0}에 맞는 모델이 여기에 없습니다. 전문가는 같은 계열의 더 작은 인스트럭트 모델처럼 토크나이저가 같거나, 토크나이저가 다르면 반전문가가 여기에 있어야 합니다. 또는 직접 쓴 글로 만들 수 있습니다.</translation>
    </message>
    <message>
        <source>{0} does not go with this base: {1}</source>
        <translation>{0}은(는) 이 베이스와 함께 쓸 수 없습니다: {1}</translation>
    </message>
    <message>
        <source>The recipe cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 레시피를 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
    <message>
        <source>Choose a folder with models</source>
        <translation>모델이 있는 폴더 선택</translation>
    </message>
</context>
<context>
    <name>NumberTable</name>
    <message>
        <source>Copy as Markdown table</source>
        <translation>Markdown 표로 복사</translation>
    </message>
</context>
<context>
    <name>OptionButtons</name>
    <message>
        <source>Apply and preview …</source>
        <translation>적용하고 미리 보기 …</translation>
    </message>
    <message>
        <source>Show the exact prompt of every role</source>
        <translation>모든 역할의 정확한 프롬프트를 표시합니다</translation>
    </message>
</context>
<context>
    <name>PairCard</name>
    <message>
        <source>expert</source>
        <translation>전문가</translation>
    </message>
    <message>
        <source>anti-expert</source>
        <translation>반전문가</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>이름 바꾸기</translation>
    </message>
    <message>
        <source>Reset α</source>
        <translation>α 초기화</translation>
    </message>
    <message>
        <source>Remove pair</source>
        <translation>쌍 제거</translation>
    </message>
    <message>
        <source>α multiplies the difference between expert and anti-expert: 0 turns the pair off,
1 applies it in full, negative values reverse it. Changes apply to the next token.
Double-click the slider to reset α to the recipe&apos;s value.</source>
        <translation>전문가와 반전문가의 차이에 α를 곱합니다. 0이면 쌍을 사용하지 않고,
1이면 그대로 더하며, 음수이면 반대로 작용합니다. 변경은 다음 토큰부터 적용됩니다.
슬라이더를 두 번 클릭하면 α가 레시피의 값으로 돌아갑니다.</translation>
    </message>
    <message>
        <source>This pair does nothing: expert and anti-expert are the same model.</source>
        <translation>이 쌍은 효과가 없습니다. 전문가와 반전문가가 같은 모델입니다.</translation>
    </message>
    <message>
        <source>How strongly the pair pulls: 0 is off. Move it while tokens are generated.</source>
        <translation>쌍이 끌어당기는 세기: 0이면 꺼집니다. 토큰이 생성되는 동안 움직여 보세요.</translation>
    </message>
    <message>
        <source>A small model that was tuned to what the base lacks.</source>
        <translation>베이스에 없는 것을 익히도록 튜닝된 작은 모델.</translation>
    </message>
    <message>
        <source>The same small model before it was tuned. Only the difference is used.</source>
        <translation>튜닝되기 전의 같은 작은 모델. 둘의 차이만 쓰입니다.</translation>
    </message>
    <message>
        <source>A recipe needs at least one pair.</source>
        <translation>레시피에는 쌍이 하나 이상 있어야 합니다.</translation>
    </message>
    <message>
        <source>Remove this pair from the recipe.</source>
        <translation>이 쌍을 레시피에서 제거합니다.</translation>
    </message>
    <message>
        <source>Name of pair {0}</source>
        <translation>쌍 {0}의 이름</translation>
    </message>
    <message>
        <source>α of {0}</source>
        <translation>{0}의 α</translation>
    </message>
    <message>
        <source>α of {0}, as a number</source>
        <translation>{0}의 α (숫자)</translation>
    </message>
    <message>
        <source>Actions for {0}</source>
        <translation>{0}에 대한 작업</translation>
    </message>
    <message>
        <source>{0} of {1}</source>
        <translation>{1}의 {0}</translation>
    </message>
</context>
<context>
    <name>PastTrainings</name>
    <message>
        <source>date</source>
        <translation>날짜</translation>
    </message>
    <message>
        <source>expert</source>
        <translation>전문가</translation>
    </message>
    <message>
        <source>small model</source>
        <translation>작은 모델</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>verdict</source>
        <translation>판정</translation>
    </message>
    <message>
        <source>Past trainings</source>
        <translation>지난 학습</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>열기</translation>
    </message>
    <message>
        <source>Remove …</source>
        <translation>제거 …</translation>
    </message>
    <message>
        <source>Every training is kept and listed here.</source>
        <translation>모든 학습이 저장되어 여기에 표시됩니다.</translation>
    </message>
    <message>
        <source>none yet: it can go on</source>
        <translation>아직 없음: 계속할 수 있음</translation>
    </message>
    <message>
        <source>Remove training</source>
        <translation>학습 제거</translation>
    </message>
    <message>
        <source>Remove this training, its adapter and its copy of your texts? Recipes with this adapter can then not be loaded. This cannot be undone.</source>
        <translation>이 학습과 어댑터, 저장된 글의 사본을 제거할까요? 이 어댑터를 쓰는 레시피는 더 이상 불러올 수 없게 됩니다. 되돌릴 수 없습니다.</translation>
    </message>
</context>
<context>
    <name>PastView</name>
    <message>
        <source>date</source>
        <translation>날짜</translation>
    </message>
    <message>
        <source>tasks</source>
        <translation>과제</translation>
    </message>
    <message>
        <source>recipe</source>
        <translation>레시피</translation>
    </message>
    <message>
        <source>answers</source>
        <translation>답변</translation>
    </message>
    <message>
        <source>state</source>
        <translation>상태</translation>
    </message>
    <message>
        <source>Past evaluations</source>
        <translation>지난 평가</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>열기</translation>
    </message>
    <message>
        <source>Remove …</source>
        <translation>삭제 …</translation>
    </message>
    <message>
        <source>Every evaluation is saved here.</source>
        <translation>모든 평가가 여기에 저장됩니다.</translation>
    </message>
    <message>
        <source>running</source>
        <translation>실행 중</translation>
    </message>
    <message>
        <source>Remove evaluation</source>
        <translation>평가 제거</translation>
    </message>
    <message>
        <source>complete</source>
        <translation>완료</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>중지됨</translation>
    </message>
    <message>
        <source>Remove this evaluation and its answers? This cannot be undone.</source>
        <translation>이 평가와 답변을 삭제하시겠습니까? 되돌릴 수 없습니다.</translation>
    </message>
</context>
<context>
    <name>Plot</name>
    <message>
        <source>{0}: contribution of this pair to the token&apos;s probability</source>
        <translation>{0}: 토큰 확률에 대한 이 쌍의 기여도</translation>
    </message>
    <message>
        <source>Probability by pair</source>
        <translation>쌍별 확률</translation>
    </message>
    <message>
        <source>Log-probability by pair</source>
        <translation>쌍별 로그 확률</translation>
    </message>
    <message>
        <source>Surprisal</source>
        <translation>서프라이절</translation>
    </message>
    <message>
        <source>KL(tuned‖base)</source>
        <translation>KL(tuned‖base)</translation>
    </message>
    <message>
        <source>Entropy</source>
        <translation>엔트로피</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>The bars of a token add up to p(tuned) − p(base).</source>
        <translation>토큰의 막대를 더하면 p(tuned) − p(base)입니다.</translation>
    </message>
    <message>
        <source>The bars of a token add up to log p(tuned) − log p(base): α times the pair&apos;s difference of logits, less its Shapley value in the change of the normalizer.</source>
        <translation>토큰의 막대를 더하면 log p(tuned) − log p(base)입니다. 막대는 α와 쌍의 로짓 차이의 곱에서 정규화 항의 변화 중 그 쌍의 섀플리 값을 뺀 것입니다.</translation>
    </message>
    <message>
        <source>−log p of the token, before and after tuning.</source>
        <translation>튜닝 전후 토큰의 −log p입니다.</translation>
    </message>
    <message>
        <source>Distance of the tuned distribution from the base&apos;s, over the whole vocabulary.</source>
        <translation>전체 어휘에 대한, 베이스 분포에서 튜닝된 분포까지의 거리입니다.</translation>
    </message>
    <message>
        <source>Uncertainty of the distribution, before and after tuning.</source>
        <translation>튜닝 전후 분포의 불확실성입니다.</translation>
    </message>
    <message>
        <source>Rank of the token, before and after tuning, on a logarithmic axis.</source>
        <translation>튜닝 전후 토큰의 순위로, 로그 축에 그립니다.</translation>
    </message>
    <message>
        <source>probability</source>
        <translation>확률</translation>
    </message>
    <message>
        <source>log-probability</source>
        <translation>로그 확률</translation>
    </message>
    <message>
        <source>surprisal</source>
        <translation>서프라이절</translation>
    </message>
    <message>
        <source>log p, {0}</source>
        <translation>log p, {0}</translation>
    </message>
    <message>
        <source>surprisal, {0}</source>
        <translation>서프라이절, {0}</translation>
    </message>
    <message>
        <source>KL, {0}</source>
        <translation>KL, {0}</translation>
    </message>
    <message>
        <source>entropy, {0}</source>
        <translation>엔트로피, {0}</translation>
    </message>
    <message>
        <source>rank</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>entropy</source>
        <translation>엔트로피</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>tuned</source>
        <translation>튜닝</translation>
    </message>
    <message>
        <source>KL</source>
        <translation>KL</translation>
    </message>
    <message>
        <source>{0}: contribution of this pair to the token&apos;s log-probability</source>
        <translation>{0}: 토큰 로그 확률에 대한 이 쌍의 기여도</translation>
    </message>
    <message>
        <source>{0}: contribution of this pair to the token&apos;s probability and to its log-probability</source>
        <translation>{0}: 토큰 확률과 로그 확률에 대한 이 쌍의 기여도</translation>
    </message>
    <message>
        <source>The distribution that the token was sampled from</source>
        <translation>토큰이 샘플링된 분포</translation>
    </message>
    <message>
        <source>Under the base</source>
        <translation>베이스에서</translation>
    </message>
    <message>
        <source>After tuning</source>
        <translation>튜닝 후</translation>
    </message>
    <message>
        <source>KL(tuned‖base) (right axis)</source>
        <translation>KL(tuned‖base)(오른쪽 축)</translation>
    </message>
    <message>
        <source>Entropy of the tuned distribution (right axis)</source>
        <translation>튜닝된 분포의 엔트로피(오른쪽 축)</translation>
    </message>
    <message>
        <source>Entropy of the distribution (right axis)</source>
        <translation>분포의 엔트로피(오른쪽 축)</translation>
    </message>
    <message>
        <source>⚠ coverage</source>
        <translation>⚠ 커버리지</translation>
    </message>
    <message>
        <source>coverage</source>
        <translation>커버리지</translation>
    </message>
    <message>
        <source>Base probability of the tokens that the server returned; no other token can be generated. A mark at the upper edge means less than {0}</source>
        <translation>서버가 반환한 토큰이 베이스 확률에서 차지하는 비율입니다. 다른 토큰은 생성될 수 없습니다. {0} 미만인 곳은 위쪽 가장자리에 표시됩니다</translation>
    </message>
    <message>
        <source>Base probability of the tokens that pairs of another tokenizer know exactly; of others they know at most the first piece. A mark at the upper edge means less than {0}</source>
        <translation>다른 토크나이저의 쌍이 정확히 아는 토큰의 베이스 확률입니다. 나머지 토큰은 기껏해야 첫 조각만 압니다. 위쪽 가장자리의 표시는 {0} 미만을 뜻합니다</translation>
    </message>
    <message>
        <source>{0} · token {1}</source>
        <translation>{0} · 토큰 {1}</translation>
    </message>
    <message>
        <source>probability {0} · entropy {1} · rank {2}</source>
        <translation>확률 {0} · 엔트로피 {1} · 순위 {2}</translation>
    </message>
    <message>
        <source>{0}: {1} in probability, {2}</source>
        <translation>{0}: 확률 {1}, {2}</translation>
    </message>
    <message>
        <source>base {0} → tuned {1} ({2})</source>
        <translation>베이스 {0} → 튜닝 {1} ({2})</translation>
    </message>
    <message>
        <source>KL {0} · entropy {1} → {2} · rank {3} → {4}</source>
        <translation>KL {0} · 엔트로피 {1} → {2} · 순위 {3} → {4}</translation>
    </message>
    <message>
        <source>{0} · ⚠ coverage {1}</source>
        <translation>{0} · ⚠ 커버리지 {1}</translation>
    </message>
    <message>
        <source>{0} · coverage {1}</source>
        <translation>{0} · 커버리지 {1}</translation>
    </message>
    <message>
        <source>{0}, first piece {1}, no opinion {2}</source>
        <translation>{0}, 첫 조각 {1}, 의견 없음 {2}</translation>
    </message>
    <message>
        <source>{0} {1}: probability {2}, entropy {3}</source>
        <translation>{0} {1}: 확률 {2}, 엔트로피 {3}</translation>
    </message>
    <message>
        <source>{0} {1}: base {2} → tuned {3} ({4}) · KL {5}, entropy {6}</source>
        <translation>{0} {1}: 베이스 {2} → 튜닝 {3} ({4}) · KL {5}, 엔트로피 {6}</translation>
    </message>
    <message>
        <source>{0} compares the tuned distribution with the base&apos;s; this run has no pairs.</source>
        <translation>{0}은(는) 튜닝 분포를 베이스 분포와 비교합니다. 이 실행에는 쌍이 없습니다.</translation>
    </message>
    <message>
        <source>Where many tokens are narrow, neighbours are drawn together: solid bars and lines are their means,
pale bars the largest of them, pale bands from lowest to highest.</source>
        <translation>토큰의 폭이 좁으면 이웃한 토큰을 함께 그립니다. 진한 막대와 선은 평균이고,
옅은 막대는 그중 가장 큰 것, 옅은 띠는 최솟값부터 최댓값까지입니다.</translation>
    </message>
    <message>
        <source>token {0}</source>
        <translation>토큰 {0}</translation>
    </message>
</context>
<context>
    <name>PlotFoot</name>
    <message>
        <source>Select</source>
        <translation>선택</translation>
    </message>
    <message>
        <source>Drag to select a range of tokens; Shift and drag always does.</source>
        <translation>끌면 토큰 범위가 선택됩니다. Shift를 누르고 끌면 언제나 선택됩니다.</translation>
    </message>
    <message>
        <source>Show all</source>
        <translation>모두 보기</translation>
    </message>
    <message>
        <source>Follow</source>
        <translation>따라가기</translation>
    </message>
</context>
<context>
    <name>PlotHead</name>
    <message>
        <source>Measure of the plot</source>
        <translation>그래프의 측정값</translation>
    </message>
    <message>
        <source>Measure of the second plot</source>
        <translation>두 번째 그래프의 측정값</translation>
    </message>
    <message>
        <source>The window is too low for a second plot. Close a bar, make the window higher, or detach the plot.</source>
        <translation>창이 낮아 두 번째 플롯을 표시할 자리가 없습니다. 표시줄을 닫거나, 창을 높이거나, 플롯을 분리하세요.</translation>
    </message>
    <message>
        <source>{0} (no room)</source>
        <translation>{0} (자리 없음)</translation>
    </message>
    <message>
        <source>Show another measure of the same tokens below the plot</source>
        <translation>같은 토큰의 다른 측정값을 그래프 아래에 표시</translation>
    </message>
    <message>
        <source>+</source>
        <translation>+</translation>
    </message>
</context>
<context>
    <name>PlotHint</name>
    <message>
        <source>Bars: what each pair gave or took.</source>
        <translation>막대: 각 쌍이 더하거나 뺀 값.</translation>
    </message>
    <message>
        <source>Bars of KL: how far all pairs moved the distribution.</source>
        <translation>KL 막대: 모든 쌍이 분포를 옮긴 정도.</translation>
    </message>
    <message>
        <source>Bars: how far all pairs moved the distribution.</source>
        <translation>막대: 모든 쌍이 분포를 옮긴 정도.</translation>
    </message>
    <message>
        <source>Lines: under the base (dashed) and tuned.</source>
        <translation>선: 베이스(점선)와 튜닝한 경우.</translation>
    </message>
    <message>
        <source>Line: in the distribution that each token was sampled from.</source>
        <translation>선: 각 토큰을 샘플링한 분포에서의 값.</translation>
    </message>
</context>
<context>
    <name>PlotLegend</name>
    <message>
        <source>Legend of the plot</source>
        <translation>플롯 범례</translation>
    </message>
</context>
<context>
    <name>PlotMenu</name>
    <message>
        <source>Show &amp;all tokens</source>
        <translation>모든 토큰 보기(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Lines and bars</source>
        <translation>선과 막대(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Measure</source>
        <translation>측정값(&amp;M)</translation>
    </message>
    <message>
        <source>Copy &amp;picture</source>
        <translation>그림 복사(&amp;P)</translation>
    </message>
    <message>
        <source>Save as image (PNG) …</source>
        <translation>이미지로 저장 (PNG) …</translation>
    </message>
    <message>
        <source>Save as vector graphics (SVG) …</source>
        <translation>벡터 그래픽으로 저장 (SVG) …</translation>
    </message>
</context>
<context>
    <name>PreferencesDialog</name>
    <message>
        <source>Preferences</source>
        <translation>환경 설정</translation>
    </message>
    <message>
        <source>Same as the system</source>
        <translation>시스템 설정과 동일</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>라이트</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>다크</translation>
    </message>
    <message>
        <source>The language changes at the next start.</source>
        <translation>언어는 다음에 시작할 때 바뀝니다.</translation>
    </message>
    <message>
        <source> MiB</source>
        <translation> MiB</translation>
    </message>
    <message>
        <source>KV caches of earlier texts are kept in this memory, and at most in half of what is free, so that a text that begins like one of them reads only the rest.</source>
        <translation>이전 텍스트의 KV 캐시를 이 메모리에, 많아도 여유 메모리의 절반까지 보관하여, 같은 내용으로 시작하는 텍스트는 나머지만 읽습니다.</translation>
    </message>
    <message>
        <source>Write &amp;prompts and texts to the log</source>
        <translation>프롬프트와 텍스트를 로그에 기록(&amp;P)</translation>
    </message>
    <message>
        <source>Only for a bug report that needs them: without this, the log contains no prompts and no texts.</source>
        <translation>오류 보고에 필요할 때만 켜십시오. 꺼져 있으면 로그에 프롬프트와 텍스트가 남지 않습니다.</translation>
    </message>
    <message>
        <source>Pro&amp;ve models when they are loaded</source>
        <translation>모델을 불러올 때 증명(&amp;V)</translation>
    </message>
    <message>
        <source>A model that is loaded for the first time is compared with plain forward passes. What differs is read in a plainer way.</source>
        <translation>처음 불러오는 모델을 일반 순전파와 비교합니다. 다른 부분은 더 단순한 방법으로 읽습니다.</translation>
    </message>
    <message>
        <source>Begin with the te&amp;xts of the last session</source>
        <translation>지난 세션의 텍스트로 시작(&amp;X)</translation>
    </message>
    <message>
        <source>Without this, they are in the history only (File → History).</source>
        <translation>이 설정을 끄면 기록에만 남습니다(파일 → 기록).</translation>
    </message>
    <message>
        <source>Dra&amp;ft tokens: speculative decoding</source>
        <translation>토큰 초안 쓰기: 추측 디코딩(&amp;F)</translation>
    </message>
    <message>
        <source>Faster, and every token is from the tuned distribution. Some models round differently in a block than in single steps: a text may then differ from the one without drafts. Runs remember how they were decoded.</source>
        <translation>더 빠르며 모든 토큰은 조정된 분포에서 나옵니다. 일부 모델은 블록에서 한 토큰씩 읽을 때와 반올림이 다르므로 초안 없이 만든 텍스트와 다를 수 있습니다. 어떻게 디코딩했는지는 실행에 남습니다.</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>테마(&amp;T)</translation>
    </message>
    <message>
        <source>Lang&amp;uage</source>
        <translation>언어(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Model folder</source>
        <translation>모델 폴더(&amp;M)</translation>
    </message>
    <message>
        <source>Default &amp;device</source>
        <translation>기본 장치(&amp;D)</translation>
    </message>
    <message>
        <source>Default d&amp;type</source>
        <translation>기본 dtype(&amp;Y)</translation>
    </message>
    <message>
        <source>Memory for kept &amp;logits</source>
        <translation>로짓 보관 메모리(&amp;L)</translation>
    </message>
    <message>
        <source>Memory for &amp;KV caches of earlier texts</source>
        <translation>이전 텍스트의 KV 캐시용 메모리(&amp;K)</translation>
    </message>
    <message>
        <source>Device of roles whose device is set to auto.</source>
        <translation>장치가 auto인 역할에 사용할 장치입니다.</translation>
    </message>
    <message>
        <source>Dtype of roles whose dtype is set to auto.</source>
        <translation>dtype이 auto인 역할에 사용할 dtype입니다.</translation>
    </message>
    <message>
        <source>Logits of the newest tokens are kept in this memory for exact what-if answers. Of older tokens only the most probable candidates are kept.</source>
        <translation>최근 토큰의 로짓을 이 메모리에 보관해 다른 α의 결과를 정확히 계산합니다. 오래된 토큰은 확률이 가장 높은 후보만 보관합니다.</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>테마</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>언어</translation>
    </message>
    <message>
        <source>Model folder</source>
        <translation>모델 폴더</translation>
    </message>
    <message>
        <source>Default device</source>
        <translation>기본 장치</translation>
    </message>
    <message>
        <source>Default dtype</source>
        <translation>기본 dtype</translation>
    </message>
    <message>
        <source>Memory for kept logits</source>
        <translation>로짓 보관 메모리</translation>
    </message>
    <message>
        <source>Memory for KV caches of earlier texts</source>
        <translation>이전 텍스트의 KV 캐시용 메모리</translation>
    </message>
    <message>
        <source>Draft tokens</source>
        <translation>토큰 초안 쓰기</translation>
    </message>
    <message>
        <source>Begin with the texts of the last session</source>
        <translation>지난 세션의 텍스트로 시작</translation>
    </message>
    <message>
        <source>Prove models when they are loaded</source>
        <translation>모델을 불러올 때 증명</translation>
    </message>
    <message>
        <source>Write prompts and texts to the log</source>
        <translation>프롬프트와 텍스트를 로그에 기록</translation>
    </message>
    <message>
        <source>Browse …</source>
        <translation>찾아보기 …</translation>
    </message>
    <message>
        <source>Choose the folder of your models</source>
        <translation>모델 폴더 선택</translation>
    </message>
</context>
<context>
    <name>PresetButton</name>
    <message>
        <source>Presets</source>
        <translation>프리셋</translation>
    </message>
    <message>
        <source>Save as a preset …</source>
        <translation>프리셋으로 저장 …</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>삭제</translation>
    </message>
    <message>
        <source>Save as a preset</source>
        <translation>프리셋으로 저장</translation>
    </message>
    <message>
        <source>Name of the preset; one with this name is replaced</source>
        <translation>프리셋 이름(같은 이름이 있으면 바뀝니다)</translation>
    </message>
</context>
<context>
    <name>ProblemBanner</name>
    <message>
        <source>Problem</source>
        <translation>문제</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>세부 정보 복사</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Back to {0}</source>
        <translation>{0}(으)로 돌아가기</translation>
    </message>
    <message>
        <source>Load the recipe “{0}” again</source>
        <translation>레시피 “{0}”을(를) 다시 로드합니다</translation>
    </message>
</context>
<context>
    <name>PromptEditor</name>
    <message>
        <source>Prompt</source>
        <translation>프롬프트</translation>
    </message>
    <message>
        <source>Type the beginning of a text or a question …</source>
        <translation>텍스트의 첫머리나 질문을 입력하십시오 …</translation>
    </message>
    <message>
        <source>The prompt that the models continue</source>
        <translation>모델이 이어 쓸 프롬프트</translation>
    </message>
    <message>
        <source>Examples</source>
        <translation>예시</translation>
    </message>
    <message>
        <source>Prompts that show what this recipe does</source>
        <translation>이 레시피가 하는 일을 보여 주는 프롬프트</translation>
    </message>
    <message>
        <source>Prompts that were saved</source>
        <translation>저장한 프롬프트</translation>
    </message>
</context>
<context>
    <name>PromptFields</name>
    <message>
        <source>&amp;Prompt format</source>
        <translation>프롬프트 형식(&amp;P)</translation>
    </message>
    <message>
        <source>Te&amp;mplate</source>
        <translation>템플릿(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;System prompt</source>
        <translation>시스템 프롬프트(&amp;S)</translation>
    </message>
    <message>
        <source>Prompt format</source>
        <translation>프롬프트 형식</translation>
    </message>
    <message>
        <source>Template</source>
        <translation>템플릿</translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation>시스템 프롬프트</translation>
    </message>
    <message>
        <source>The template lacks {system}, so the system prompt would not be used.</source>
        <translation>템플릿에 {system}이 없어 시스템 프롬프트가 사용되지 않습니다.</translation>
    </message>
    <message>
        <source>The format of the recipe: {0}, although this model has a chat template.</source>
        <translation>레시피의 형식: {0}. 이 모델에는 채팅 템플릿이 있습니다.</translation>
    </message>
    <message>
        <source>The format of the recipe: {0}.</source>
        <translation>레시피의 형식: {0}.</translation>
    </message>
    <message>
        <source>This model has no chat template.</source>
        <translation>이 모델에는 채팅 템플릿이 없습니다.</translation>
    </message>
    <message>
        <source>Your prompt becomes the user message of the model&apos;s chat template.</source>
        <translation>프롬프트가 모델 채팅 템플릿의 사용자 메시지가 됩니다.</translation>
    </message>
    <message>
        <source>{prompt} stands for your prompt, {system} for the system prompt.</source>
        <translation>{prompt}는 프롬프트, {system}은 시스템 프롬프트를 나타냅니다.</translation>
    </message>
    <message>
        <source>The model receives your prompt unchanged, although it has a chat template.</source>
        <translation>모델에 채팅 템플릿이 있지만 프롬프트를 그대로 전달합니다.</translation>
    </message>
    <message>
        <source>The model receives your prompt unchanged.</source>
        <translation>모델에 프롬프트를 그대로 전달합니다.</translation>
    </message>
    <message>
        <source>As the recipe</source>
        <translation>레시피와 같음</translation>
    </message>
    <message>
        <source>Plain text</source>
        <translation>일반 텍스트</translation>
    </message>
    <message>
        <source>Model&apos;s chat template</source>
        <translation>모델의 채팅 템플릿</translation>
    </message>
    <message>
        <source>Custom template</source>
        <translation>사용자 지정 템플릿</translation>
    </message>
    <message>
        <source>plain text</source>
        <translation>일반 텍스트</translation>
    </message>
    <message>
        <source>chat template</source>
        <translation>채팅 템플릿</translation>
    </message>
    <message>
        <source>custom template</source>
        <translation>사용자 지정 템플릿</translation>
    </message>
    <message>
        <source>{0} with a system prompt</source>
        <translation>{0}, 시스템 프롬프트 있음</translation>
    </message>
    <message>
        <source>{0} (not available)</source>
        <translation>{0} (없음)</translation>
    </message>
</context>
<context>
    <name>PromptFormatDialog</name>
    <message>
        <source>Prompt format</source>
        <translation>프롬프트 형식</translation>
    </message>
    <message>
        <source>How your prompt reaches the models. All roles follow the recipe, except those with a format of their own.</source>
        <translation>프롬프트가 모델에 전달되는 형식입니다. 자체 형식이 있는 역할을 제외한 모든 역할이 레시피를 따릅니다.</translation>
    </message>
    <message>
        <source>Prompt format of the {0}</source>
        <translation>{0}의 프롬프트 형식</translation>
    </message>
    <message>
        <source>Options …</source>
        <translation>옵션 …</translation>
    </message>
    <message>
        <source>Options of {0}</source>
        <translation>{0} 옵션</translation>
    </message>
    <message>
        <source>A template or a system prompt of its own</source>
        <translation>이 역할만의 템플릿이나 시스템 프롬프트</translation>
    </message>
    <message>
        <source>no chat template: reads plain text</source>
        <translation>채팅 템플릿 없음: 일반 텍스트로 읽음</translation>
    </message>
    <message>
        <source>Models cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 모델을 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
</context>
<context>
    <name>PromptFormatLine</name>
    <message>
        <source>Prompt format: {0}</source>
        <translation>프롬프트 형식: {0}</translation>
    </message>
    <message>
        <source>1 role has its own</source>
        <translation>역할 1개는 자체 형식 사용</translation>
    </message>
    <message>
        <source>{0} roles have their own</source>
        <translation>역할 {0}개는 자체 형식 사용</translation>
    </message>
    <message>
        <source>Prompt: {0}</source>
        <translation>프롬프트: {0}</translation>
    </message>
</context>
<context>
    <name>PromptListDialog</name>
    <message>
        <source>Many prompts</source>
        <translation>여러 프롬프트</translation>
    </message>
    <message>
        <source>Prompts and totals of their runs</source>
        <translation>프롬프트와 각 실행의 합계</translation>
    </message>
    <message>
        <source>Progress of the list</source>
        <translation>목록의 진행 상황</translation>
    </message>
    <message>
        <source>Open a file …</source>
        <translation>파일 열기 …</translation>
    </message>
    <message>
        <source>Add prompts: lines of text, JSON Lines, CSV, or a task (TOML)</source>
        <translation>프롬프트 추가: 텍스트 줄, JSON Lines, CSV 또는 과제(TOML)</translation>
    </message>
    <message>
        <source>Task ▾</source>
        <translation>과제 ▾</translation>
    </message>
    <message>
        <source>Add the questions of a task</source>
        <translation>과제의 질문을 추가합니다</translation>
    </message>
    <message>
        <source>Paste lines</source>
        <translation>줄 붙여넣기</translation>
    </message>
    <message>
        <source>Add a prompt for each line of the clipboard (Ctrl+V)</source>
        <translation>클립보드의 줄마다 프롬프트를 하나씩 추가합니다 (Ctrl+V)</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>비우기</translation>
    </message>
    <message>
        <source>Empty the list; its runs stay in the history</source>
        <translation>목록을 비웁니다. 실행은 기록에 남습니다</translation>
    </message>
    <message>
        <source>Generate</source>
        <translation>생성</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>Stop after the current token; what is left can go on later</source>
        <translation>현재 토큰 뒤에 중지합니다. 남은 것은 나중에 이어서 실행할 수 있습니다</translation>
    </message>
    <message>
        <source>Inspect</source>
        <translation>살펴보기</translation>
    </message>
    <message>
        <source>Show the selected run in the window (Enter)</source>
        <translation>선택한 실행을 창에 표시합니다 (Enter)</translation>
    </message>
    <message>
        <source>Export ▾</source>
        <translation>내보내기 ▾</translation>
    </message>
    <message>
        <source>Export the selected runs, or the tokens of all runs if none is selected</source>
        <translation>선택한 실행을 내보냅니다. 선택이 없으면 모든 실행의 토큰을 내보냅니다</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Each prompt of a list is continued, or answered, by the models of the recipe, and the table shows what tuning did to each.

Open a file with a prompt on each line, choose a task, or paste lines.</source>
        <translation>레시피의 모델이 목록의 각 프롬프트를 이어 쓰거나 답하고, 튜닝이 각각에 한 일을 표로 보여 줍니다.

줄마다 프롬프트가 있는 파일을 열거나, 과제를 고르거나, 줄을 붙여넣으십시오.</translation>
    </message>
    <message>
        <source>Prompts (*.txt *.jsonl *.json *.csv *.tsv *.toml)</source>
        <translation>프롬프트 (*.txt *.jsonl *.json *.csv *.tsv *.toml)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>모든 파일 (*)</translation>
    </message>
    <message>
        <source>Open a list of prompts</source>
        <translation>프롬프트 목록 열기</translation>
    </message>
    <message>
        <source>Generate a run for each prompt that has none (Ctrl+Enter)</source>
        <translation>실행이 없는 프롬프트마다 실행을 생성합니다 (Ctrl+Enter)</translation>
    </message>
    <message>
        <source>Generate all runs again (Ctrl+Enter)</source>
        <translation>모든 실행을 다시 생성합니다 (Ctrl+Enter)</translation>
    </message>
    <message>
        <source>{0} of {1} prompts</source>
        <translation>프롬프트 {1}개 중 {0}개</translation>
    </message>
    <message>
        <source>{0} failed</source>
        <translation>{0}개 실패</translation>
    </message>
    <message>
        <source>mean shift {0}</source>
        <translation>평균 변화량 {0}</translation>
    </message>
    <message>
        <source>flips {0}</source>
        <translation>1순위 바뀜 {0}</translation>
    </message>
</context>
<context>
    <name>PromptListModel</name>
    <message>
        <source>Prompt</source>
        <translation>프롬프트</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>Mean shift</source>
        <translation>평균 변화량</translation>
    </message>
    <message>
        <source>Flips</source>
        <translation>1순위 바뀜</translation>
    </message>
    <message>
        <source>Mean KL</source>
        <translation>평균 KL</translation>
    </message>
    <message>
        <source>Mean entropy</source>
        <translation>평균 엔트로피</translation>
    </message>
    <message>
        <source>Perplexity</source>
        <translation>퍼플렉시티</translation>
    </message>
    <message>
        <source>End</source>
        <translation>끝</translation>
    </message>
    <message>
        <source>generating …</source>
        <translation>생성 중 …</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>실패</translation>
    </message>
    <message>
        <source>end of text</source>
        <translation>텍스트 끝</translation>
    </message>
    <message>
        <source>stop string</source>
        <translation>중지 문자열</translation>
    </message>
    <message>
        <source>token limit</source>
        <translation>토큰 한도</translation>
    </message>
    <message>
        <source>context full</source>
        <translation>컨텍스트가 가득 참</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>중지됨</translation>
    </message>
</context>
<context>
    <name>PromptPreview</name>
    <message>
        <source>Prompt preview</source>
        <translation>프롬프트 미리 보기</translation>
    </message>
    <message>
        <source>Roles</source>
        <translation>역할</translation>
    </message>
    <message>
        <source>The selected token</source>
        <translation>선택한 토큰</translation>
    </message>
    <message>
        <source>Prompt as the model reads it</source>
        <translation>모델이 읽는 그대로의 프롬프트</translation>
    </message>
    <message>
        <source>Tokens of the prompt</source>
        <translation>프롬프트의 토큰</translation>
    </message>
    <message>
        <source>Prompt format …</source>
        <translation>프롬프트 형식 …</translation>
    </message>
    <message>
        <source>Score the prompt</source>
        <translation>프롬프트 점수 계산</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>취소</translation>
    </message>
    <message>
        <source>End the computation of the scores</source>
        <translation>점수 계산을 끝냅니다</translation>
    </message>
    <message>
        <source>Compute how probable each token of the prompt is to the role that reads it</source>
        <translation>프롬프트를 읽는 역할에게 각 토큰이 얼마나 확률이 높은지 계산합니다</translation>
    </message>
    <message>
        <source>The preview is updated when the run ends.</source>
        <translation>실행이 끝나면 미리 보기를 갱신합니다.</translation>
    </message>
    <message>
        <source>The prompt is empty; this is the recipe&apos;s example prompt.</source>
        <translation>프롬프트가 비어 있어 레시피의 예시 프롬프트를 표시합니다.</translation>
    </message>
    <message>
        <source>The exact prompt that each role receives.</source>
        <translation>각 역할이 실제로 받는 프롬프트입니다.</translation>
    </message>
    <message>
        <source>All side by side</source>
        <translation>모두 나란히</translation>
    </message>
    <message>
        <source>surprisal {0}</source>
        <translation>서프라이절 {0}</translation>
    </message>
    <message>
        <source>same as the {0}</source>
        <translation>{0}과(와) 같음</translation>
    </message>
    <message>
        <source>the model&apos;s chat template is not used</source>
        <translation>모델의 채팅 템플릿 사용 안 함</translation>
    </message>
    <message>
        <source>Reading the tokenizers …</source>
        <translation>토크나이저 읽는 중 …</translation>
    </message>
    <message>
        <source>Change the prompt format of the recipe or of a role</source>
        <translation>레시피나 역할의 프롬프트 형식 변경</translation>
    </message>
    <message>
        <source>{0} of {1} tokens</source>
        <translation>토큰 {0} / {1}개</translation>
    </message>
    <message>
        <source>{0}: {1}, token {2}, id {3}</source>
        <translation>{0}: {1}, 토큰 {2}, id {3}</translation>
    </message>
    <message>
        <source>nothing predicts the first token</source>
        <translation>첫 토큰은 예측되지 않습니다</translation>
    </message>
    <message>
        <source>probability {0}</source>
        <translation>확률 {0}</translation>
    </message>
    <message>
        <source>rank {0}</source>
        <translation>순위 {0}</translation>
    </message>
    <message>
        <source>entropy {0}</source>
        <translation>엔트로피 {0}</translation>
    </message>
    <message>
        <source>Most probable: {0}</source>
        <translation>가장 확률이 높은 토큰: {0}</translation>
    </message>
</context>
<context>
    <name>PromptTokenTable</name>
    <message>
        <source>Copy the token id</source>
        <translation>토큰 id 복사</translation>
    </message>
</context>
<context>
    <name>Proof</name>
    <message>
        <source>Not proved: {0}</source>
        <translation>증명하지 않음: {0}</translation>
    </message>
    <message>
        <source>Proved: largest difference {0}</source>
        <translation>증명됨: 최대 차이 {0}</translation>
    </message>
    <message>
        <source>{0}; not compared for want of time: {1}</source>
        <translation>{0}; 시간이 부족해 비교하지 않음: {1}</translation>
    </message>
    <message>
        <source>Read {0}: {1}.</source>
        <translation>{0} 읽습니다: {1}.</translation>
    </message>
    <message>
        <source>In blocks, log-probabilities differ by {0} from those of single steps: with drafts, a text is of the same distribution up to rounding (Preferences → Draft tokens).</source>
        <translation>블록에서는 로그 확률이 한 토큰씩 읽을 때와 {0}만큼 다릅니다. 초안을 쓰면 텍스트는 반올림 오차 안에서 같은 분포를 따릅니다(환경 설정 → 토큰 초안 쓰기).</translation>
    </message>
    <message>
        <source>Beside transformers on the dequantized weights: KL {0} nats, largest difference {1}.</source>
        <translation>역양자화한 가중치를 transformers로 읽은 결과와 비교: KL {0}나트, 최대 차이 {1}.</translation>
    </message>
    <message>
        <source>{0}, it fails ({1})</source>
        <translation>{0} 읽으면 실패합니다({1})</translation>
    </message>
    <message>
        <source>{0}, log-probabilities differ by {1} from those of plain forward passes</source>
        <translation>{0} 읽으면 로그 확률이 일반 순전파와 {1}만큼 다릅니다</translation>
    </message>
    <message>
        <source>switched off</source>
        <translation>꺼져 있음</translation>
    </message>
    <message>
        <source>the model is behind an endpoint</source>
        <translation>모델이 엔드포인트 뒤에 있음</translation>
    </message>
    <message>
        <source>without a cache</source>
        <translation>캐시 없이</translation>
    </message>
    <message>
        <source>one token at a time</source>
        <translation>한 번에 토큰 하나씩</translation>
    </message>
    <message>
        <source>a prompt in chunks</source>
        <translation>프롬프트를 나누어</translation>
    </message>
    <message>
        <source>after a rewind</source>
        <translation>되감은 뒤에</translation>
    </message>
    <message>
        <source>in blocks</source>
        <translation>블록으로</translation>
    </message>
    <message>
        <source>in a batch of texts</source>
        <translation>여러 텍스트를 한꺼번에</translation>
    </message>
    <message>
        <source>in a captured step</source>
        <translation>캡처한 단계로</translation>
    </message>
    <message>
        <source>without captured steps</source>
        <translation>캡처한 단계 없이</translation>
    </message>
    <message>
        <source>with the attention of transformers</source>
        <translation>transformers의 어텐션으로</translation>
    </message>
    <message>
        <source>without packed weights</source>
        <translation>패킹한 가중치 없이</translation>
    </message>
    <message>
        <source>with an undivided output layer</source>
        <translation>출력층을 나누지 않고</translation>
    </message>
    <message>
        <source>one text after another in evaluations</source>
        <translation>평가에서 텍스트를 하나씩</translation>
    </message>
    <message>
        <source>without rewinding, so that nothing is drafted</source>
        <translation>되감기 없이(초안을 만들지 않고)</translation>
    </message>
    <message>
        <source>one token at a time, prompts too</source>
        <translation>프롬프트까지 토큰 하나씩</translation>
    </message>
    <message>
        <source>without a cache, which is slow</source>
        <translation>캐시 없이(느리게)</translation>
    </message>
</context>
<context>
    <name>Provenance</name>
    <message>
        <source>α {0}</source>
        <translation>α {0}</translation>
    </message>
    <message>
        <source>policy of α {0}</source>
        <translation>α 정책 {0}</translation>
    </message>
    <message>
        <source>greedy</source>
        <translation>그리디</translation>
    </message>
    <message>
        <source>seed {0}</source>
        <translation>시드 {0}</translation>
    </message>
    <message>
        <source>temperature {0}</source>
        <translation>온도 {0}</translation>
    </message>
    <message>
        <source>top-k {0}</source>
        <translation>top-k {0}</translation>
    </message>
    <message>
        <source>top-p {0}</source>
        <translation>top-p {0}</translation>
    </message>
    <message>
        <source>min-p {0}</source>
        <translation>min-p {0}</translation>
    </message>
    <message>
        <source>repetition penalty {0}</source>
        <translation>반복 페널티 {0}</translation>
    </message>
    <message>
        <source>frequency penalty {0}</source>
        <translation>빈도 페널티 {0}</translation>
    </message>
    <message>
        <source>presence penalty {0}</source>
        <translation>존재 페널티 {0}</translation>
    </message>
    <message>
        <source>logit bias</source>
        <translation>로짓 편향</translation>
    </message>
    <message>
        <source>JSON object</source>
        <translation>JSON 객체</translation>
    </message>
    <message>
        <source>JSON schema</source>
        <translation>JSON 스키마</translation>
    </message>
    <message>
        <source>grammar</source>
        <translation>문법</translation>
    </message>
    <message>
        <source>Finds words of texts and prompts, models, recipes, dates such as 2026-11-30, and settings such as seed=7, α=1.5 or temperature=0.8.</source>
        <translation>텍스트와 프롬프트의 단어, 모델, 레시피, 2026-11-30 같은 날짜, seed=7, α=1.5, temperature=0.8 같은 설정을 찾습니다.</translation>
    </message>
</context>
<context>
    <name>QuantizationDialog</name>
    <message>
        <source>Compare quantizations</source>
        <translation>양자화 비교</translation>
    </message>
    <message>
        <source>Score its tokens again in</source>
        <translation>토큰을 다시 평가할 형식</translation>
    </message>
    <message>
        <source>The tokens of the run are scored twice: by its models as they were loaded, and by all of them in this dtype or quantization. Both are compared token by token. Afterwards the models of the window are loaded again.</source>
        <translation>실행의 토큰을 두 번 평가합니다. 한 번은 불러왔던 그대로의 모델로, 한 번은 모든 모델을 이 dtype 또는 양자화로 불러와 평가합니다. 둘을 토큰별로 비교한 뒤 창의 모델을 다시 불러옵니다.</translation>
    </message>
    <message>
        <source>Score and compare</source>
        <translation>평가하고 비교</translation>
    </message>
    <message>
        <source>Load the models, score the tokens and compare (Ctrl+Enter)</source>
        <translation>모델을 불러와 토큰을 평가하고 비교합니다(Ctrl+Enter)</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>실행</translation>
    </message>
    <message>
        <source>&amp;Score its tokens again in</source>
        <translation>토큰을 다시 평가할 형식(&amp;S)</translation>
    </message>
    <message>
        <source>the open recipe, {0}</source>
        <translation>열린 레시피 {0}</translation>
    </message>
    <message>
        <source>Not compared, since their weights are used as they are stored: {0}.</source>
        <translation>가중치를 저장된 그대로 쓰므로 비교하지 않음: {0}.</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}: {1}</translation>
    </message>
    <message>
        <source>Loading the models …</source>
        <translation>모델을 불러오는 중 …</translation>
    </message>
    <message>
        <source>{0} of {1} tokens are scored.</source>
        <translation>토큰 {1}개 중 {0}개를 평가했습니다.</translation>
    </message>
    <message>
        <source>Another run is being generated. Stop it first.</source>
        <translation>다른 실행을 생성하고 있습니다. 먼저 중지하십시오.</translation>
    </message>
    <message>
        <source>There is nothing to compare with: endpoints and llama.cpp use weights as they are stored. Open a recipe with other files of the same models.</source>
        <translation>비교할 대상이 없습니다. 엔드포인트와 llama.cpp는 가중치를 저장된 그대로 씁니다. 같은 모델의 다른 파일을 쓰는 레시피를 여세요.</translation>
    </message>
</context>
<context>
    <name>QueryFields</name>
    <message>
        <source>What to find</source>
        <translation>찾을 대상</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>찾기</translation>
    </message>
    <message>
        <source>Upper and lower case differ</source>
        <translation>대소문자 구분</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>텍스트</translation>
    </message>
    <message>
        <source>Regular expression</source>
        <translation>정규식</translation>
    </message>
    <message>
        <source>Token id</source>
        <translation>토큰 id</translation>
    </message>
    <message>
        <source>Class of token</source>
        <translation>토큰 종류</translation>
    </message>
    <message>
        <source>Base rank above</source>
        <translation>베이스 순위 초과</translation>
    </message>
    <message>
        <source>Tuned rank above</source>
        <translation>튜닝 후 순위 초과</translation>
    </message>
    <message>
        <source>Raised by at least</source>
        <translation>상승 폭 이상</translation>
    </message>
    <message>
        <source>Lowered by at least</source>
        <translation>하락 폭 이상</translation>
    </message>
    <message>
        <source>Flips</source>
        <translation>1순위 변경</translation>
    </message>
    <message>
        <source>Pair</source>
        <translation>쌍</translation>
    </message>
    <message>
        <source>Bookmarks</source>
        <translation>책갈피</translation>
    </message>
    <message>
        <source>special tokens</source>
        <translation>특수 토큰</translation>
    </message>
    <message>
        <source>whitespace alone</source>
        <translation>공백만</translation>
    </message>
    <message>
        <source>line breaks</source>
        <translation>줄바꿈</translation>
    </message>
    <message>
        <source>digits</source>
        <translation>숫자</translation>
    </message>
    <message>
        <source>beginnings of words</source>
        <translation>단어의 시작</translation>
    </message>
    <message>
        <source>inside words</source>
        <translation>단어 안</translation>
    </message>
    <message>
        <source>punctuation and symbols</source>
        <translation>문장 부호와 기호</translation>
    </message>
    <message>
        <source>other than ASCII</source>
        <translation>ASCII 외의 문자</translation>
    </message>
    <message>
        <source>parts of characters</source>
        <translation>문자의 일부</translation>
    </message>
    <message>
        <source>“{0}” is no number</source>
        <translation>“{0}”은(는) 숫자가 아닙니다</translation>
    </message>
    <message>
        <source>rank</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>bits</source>
        <translation>비트</translation>
    </message>
    <message>
        <source>raised most by {0}</source>
        <translation>{0}이(가) 가장 크게 올림</translation>
    </message>
    <message>
        <source>lowered most by {0}</source>
        <translation>{0}이(가) 가장 크게 내림</translation>
    </message>
</context>
<context>
    <name>QuestionHtml</name>
    <message>
        <source>Question</source>
        <translation>문항</translation>
    </message>
    <message>
        <source> or </source>
        <translation> 또는 </translation>
    </message>
    <message>
        <source>Expected</source>
        <translation>정답</translation>
    </message>
    <message>
        <source>(empty)</source>
        <translation>(비어 있음)</translation>
    </message>
    <message>
        <source>{0} bits per byte</source>
        <translation>바이트당 {0}비트</translation>
    </message>
    <message>
        <source>{0} of {1} answers</source>
        <translation>답변 {1}개 중 {0}</translation>
    </message>
    <message>
        <source>no answer found</source>
        <translation>답을 찾지 못함</translation>
    </message>
    <message>
        <source>{0} {1}</source>
        <translation>{0} {1}</translation>
    </message>
</context>
<context>
    <name>QuestionsView</name>
    <message>
        <source>Task</source>
        <translation>과제</translation>
    </message>
    <message>
        <source>Filter questions</source>
        <translation>질문 필터</translation>
    </message>
    <message>
        <source>Questions</source>
        <translation>문항 수</translation>
    </message>
    <message>
        <source>Question and answers</source>
        <translation>문항과 답변</translation>
    </message>
    <message>
        <source>Role whose answer to open</source>
        <translation>열 답변의 역할</translation>
    </message>
    <message>
        <source>Open in inspector</source>
        <translation>분석 창에서 열기</translation>
    </message>
    <message>
        <source>Open the answer as a run in the window, with the recipe and α of the evaluation (Enter)</source>
        <translation>평가에 사용한 레시피와 α로 답변을 창의 실행으로 엽니다 (Enter)</translation>
    </message>
    <message>
        <source>Questions and answers appear here, except those of lm-evaluation-harness, which are only saved in the folder of the evaluation.</source>
        <translation>질문과 답변이 여기에 표시됩니다. lm-evaluation-harness의 질문과 답변은 평가 폴더에만 저장됩니다.</translation>
    </message>
    <message>
        <source>all questions</source>
        <translation>모든 문항</translation>
    </message>
    <message>
        <source>tuned right, base wrong</source>
        <translation>튜닝 정답, 베이스 오답</translation>
    </message>
    <message>
        <source>tuned wrong, base right</source>
        <translation>튜닝 오답, 베이스 정답</translation>
    </message>
    <message>
        <source>tuned wrong</source>
        <translation>튜닝 오답</translation>
    </message>
    <message>
        <source>question</source>
        <translation>문항</translation>
    </message>
</context>
<context>
    <name>Readiness</name>
    <message>
        <source>The prompt is empty</source>
        <translation>프롬프트가 비어 있습니다</translation>
    </message>
    <message>
        <source>Type some text to continue.</source>
        <translation>이어 쓸 텍스트를 입력하십시오.</translation>
    </message>
    <message>
        <source>This run was generated with other models</source>
        <translation>다른 모델로 생성한 실행입니다</translation>
    </message>
    <message>
        <source>its recipe is “{0}”</source>
        <translation>레시피 “{0}”</translation>
    </message>
    <message>
        <source>Open that recipe, or generate again with the current one.</source>
        <translation>그 레시피를 열거나 지금 레시피로 다시 생성하십시오.</translation>
    </message>
</context>
<context>
    <name>ReadingLegend</name>
    <message>
        <source>Legend</source>
        <translation>범례</translation>
    </message>
</context>
<context>
    <name>RecentMenu</name>
    <message>
        <source>Open &amp;recent</source>
        <translation>최근 항목 열기(&amp;R)</translation>
    </message>
    <message>
        <source>New recipe from a folder</source>
        <translation>폴더에서 새 레시피</translation>
    </message>
    <message>
        <source>Nothing was opened yet</source>
        <translation>아직 연 항목이 없습니다</translation>
    </message>
</context>
<context>
    <name>RecipeCheck</name>
    <message>
        <source>Checking vocabulary and memory …</source>
        <translation>어휘와 메모리 확인 중 …</translation>
    </message>
    <message>
        <source>The memory bar at the bottom left lists changes that make a recipe fit.</source>
        <translation>왼쪽 아래의 메모리 막대에서 레시피를 메모리에 맞추는 방법을 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>It needs {0} of {1} free on {2}.</source>
        <translation>{2}의 여유 메모리 {1} 중 {0}이(가) 필요합니다.</translation>
    </message>
</context>
<context>
    <name>RecipeColumn</name>
    <message>
        <source>Cancel</source>
        <translation>취소</translation>
    </message>
    <message>
        <source>Cancel loading</source>
        <translation>로드 취소</translation>
    </message>
    <message>
        <source>Stop loading and release the models that were loaded.</source>
        <translation>로드를 중단하고 이미 로드한 모델을 해제합니다.</translation>
    </message>
</context>
<context>
    <name>RecipeFiles</name>
    <message>
        <source>cannot be read</source>
        <translation>읽을 수 없음</translation>
    </message>
    <message>
        <source>untested</source>
        <translation>미검증</translation>
    </message>
    <message>
        <source>{0} (copy)</source>
        <translation>{0} (사본)</translation>
    </message>
    <message>
        <source>{0} (copy {1})</source>
        <translation>{0} (사본 {1})</translation>
    </message>
    <message>
        <source>The recipe cannot be saved</source>
        <translation>레시피를 저장할 수 없습니다</translation>
    </message>
    <message>
        <source>{0} files were dropped</source>
        <translation>파일 {0}개를 놓았습니다</translation>
    </message>
    <message>
        <source>Drop one recipe or model at a time.</source>
        <translation>레시피나 모델을 한 번에 하나만 놓으십시오.</translation>
    </message>
    <message>
        <source>“{0}” is neither a recipe nor a model</source>
        <translation>“{0}”은(는) 레시피도 모델도 아닙니다</translation>
    </message>
    <message>
        <source>A recipe is a .toml file; a model is a folder or a .gguf file.</source>
        <translation>레시피는 .toml 파일이고, 모델은 폴더나 .gguf 파일입니다.</translation>
    </message>
    <message>
        <source>The recipe cannot be changed during a run</source>
        <translation>실행 중에는 레시피를 바꿀 수 없습니다</translation>
    </message>
    <message>
        <source>Stop the run with Esc, then drop the file again.</source>
        <translation>Esc로 실행을 중지한 다음 파일을 다시 놓으십시오.</translation>
    </message>
    <message>
        <source>Open recipe</source>
        <translation>레시피 열기</translation>
    </message>
    <message>
        <source>Save recipe</source>
        <translation>레시피 저장</translation>
    </message>
    <message>
        <source>Export recipe</source>
        <translation>레시피 내보내기</translation>
    </message>
    <message>
        <source>Recipes ({0})</source>
        <translation>레시피 ({0})</translation>
    </message>
</context>
<context>
    <name>RecipeLibrary</name>
    <message>
        <source>Recipes</source>
        <translation>레시피</translation>
    </message>
    <message>
        <source>Filter by name, model or description</source>
        <translation>이름, 모델, 설명으로 필터링</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>필터</translation>
    </message>
    <message>
        <source>Open file …</source>
        <translation>파일 열기 …</translation>
    </message>
    <message>
        <source>Export …</source>
        <translation>내보내기 …</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>복제</translation>
    </message>
    <message>
        <source>Copy the recipe to your own recipes and open the copy</source>
        <translation>레시피를 내 레시피로 복사하고 사본을 엽니다</translation>
    </message>
    <message>
        <source>Your recipes</source>
        <translation>내 레시피</translation>
    </message>
    <message>
        <source>The recipe cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 레시피를 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
    <message>
        <source>Base: {0}</source>
        <translation>베이스: {0}</translation>
    </message>
    <message>
        <source>Download: {0} in total</source>
        <translation>다운로드: 모두 {0}</translation>
    </message>
    <message>
        <source>Untested: this recipe has not been tried with its models yet.</source>
        <translation>미검증: 이 레시피는 아직 실제 모델로 시험하지 않았습니다.</translation>
    </message>
    <message>
        <source>{0}, an adapter over {1}</source>
        <translation>{0} ({1}의 어댑터)</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>열기</translation>
    </message>
    <message>
        <source>Shipped with Tuneshift</source>
        <translation>Tuneshift 기본 제공</translation>
    </message>
    <message>
        <source>Recent files</source>
        <translation>최근 파일</translation>
    </message>
</context>
<context>
    <name>RecipeNames</name>
    <message>
        <source>Untitled</source>
        <translation>제목 없음</translation>
    </message>
</context>
<context>
    <name>RecipePanel</name>
    <message>
        <source>Base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>+ Add expert pair</source>
        <translation>+ 전문가 쌍 추가</translation>
    </message>
    <message>
        <source>Recipe</source>
        <translation>레시피</translation>
    </message>
    <message>
        <source>The large model that writes. Tuning does not change it.</source>
        <translation>글을 쓰는 큰 모델. 튜닝해도 바뀌지 않습니다.</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>샘플링</translation>
    </message>
    <message>
        <source>Expert pair</source>
        <translation>전문가 쌍</translation>
    </message>
    <message>
        <source>Add a tuned model and the model it was tuned from.</source>
        <translation>튜닝된 모델과 튜닝되기 전의 모델을 쌍으로 추가합니다.</translation>
    </message>
    <message>
        <source>Persona: same model with a system prompt</source>
        <translation>페르소나: 같은 모델에 시스템 프롬프트 추가</translation>
    </message>
    <message>
        <source>The expert is the base with a system prompt, the anti-expert the base without.</source>
        <translation>전문가는 시스템 프롬프트가 있는 베이스, 반전문가는 시스템 프롬프트가 없는 베이스입니다.</translation>
    </message>
    <message>
        <source>Pairs cannot be added during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 쌍을 추가할 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
</context>
<context>
    <name>RecipePicker</name>
    <message>
        <source>Recipe</source>
        <translation>레시피</translation>
    </message>
    <message>
        <source>Recipe files</source>
        <translation>레시피 파일</translation>
    </message>
    <message>
        <source>Open, duplicate or save a recipe</source>
        <translation>레시피 열기, 복제, 저장</translation>
    </message>
    <message>
        <source>Library …</source>
        <translation>라이브러리 …</translation>
    </message>
    <message>
        <source>Open …</source>
        <translation>열기 …</translation>
    </message>
    <message>
        <source>Open recent</source>
        <translation>최근 파일 열기</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>복제</translation>
    </message>
    <message>
        <source>Rename …</source>
        <translation>이름 바꾸기 …</translation>
    </message>
    <message>
        <source>Save as …</source>
        <translation>다른 이름으로 저장 …</translation>
    </message>
    <message>
        <source>The recipe cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 레시피를 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
    <message>
        <source>Rename recipe</source>
        <translation>레시피 이름 바꾸기</translation>
    </message>
    <message>
        <source>Name of the recipe</source>
        <translation>레시피 이름</translation>
    </message>
    <message>
        <source>No recent files</source>
        <translation>최근 파일 없음</translation>
    </message>
    <message>
        <source>{0} — edited</source>
        <translation>{0} — 수정됨</translation>
    </message>
</context>
<context>
    <name>RecipeState</name>
    <message>
        <source>open {0}</source>
        <translation>{0} 열기</translation>
    </message>
    <message>
        <source>rename recipe</source>
        <translation>레시피 이름 바꾸기</translation>
    </message>
    <message>
        <source>choose checkpoint</source>
        <translation>체크포인트 선택</translation>
    </message>
    <message>
        <source>choose checkpoints</source>
        <translation>체크포인트 선택</translation>
    </message>
    <message>
        <source>change options</source>
        <translation>옵션 변경</translation>
    </message>
    <message>
        <source>change prompt format</source>
        <translation>프롬프트 형식 변경</translation>
    </message>
    <message>
        <source>change the reading of another tokenizer</source>
        <translation>다른 토크나이저를 읽는 방식 변경</translation>
    </message>
    <message>
        <source>change context</source>
        <translation>컨텍스트 변경</translation>
    </message>
    <message>
        <source>accept ids</source>
        <translation>id 허용</translation>
    </message>
    <message>
        <source>change α</source>
        <translation>α 변경</translation>
    </message>
    <message>
        <source>rename pair</source>
        <translation>쌍 이름 변경</translation>
    </message>
    <message>
        <source>remove pair</source>
        <translation>쌍 제거</translation>
    </message>
    <message>
        <source>add pair</source>
        <translation>쌍 추가</translation>
    </message>
    <message>
        <source>change sampling</source>
        <translation>샘플링 변경</translation>
    </message>
    <message>
        <source>change logit bias</source>
        <translation>로짓 편향 변경</translation>
    </message>
</context>
<context>
    <name>RenderedAnswer</name>
    <message>
        <source>Answer</source>
        <translation>답변</translation>
    </message>
    <message>
        <source>Copy code</source>
        <translation>코드 복사</translation>
    </message>
</context>
<context>
    <name>RepetitionBar</name>
    <message>
        <source>The run repeats itself</source>
        <translation>실행이 반복되고 있습니다</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>Keep generating</source>
        <translation>계속 생성</translation>
    </message>
    <message>
        <source>The run repeats one token over and over.</source>
        <translation>같은 토큰 하나를 계속 반복하고 있습니다.</translation>
    </message>
    <message>
        <source>The run repeats the same {0} tokens over and over.</source>
        <translation>같은 토큰 {0}개를 계속 반복하고 있습니다.</translation>
    </message>
</context>
<context>
    <name>Rescoring</name>
    <message>
        <source>The open recipe has other tokens than the run</source>
        <translation>열린 레시피의 토큰이 실행의 토큰과 다릅니다</translation>
    </message>
    <message>
        <source>token id {0}</source>
        <translation>토큰 ID {0}</translation>
    </message>
    <message>
        <source>Open a recipe with the same vocabulary.</source>
        <translation>어휘가 같은 레시피를 여십시오.</translation>
    </message>
    <message>
        <source>The models of the run were loaded as {0}</source>
        <translation>실행의 모델은 이미 {0}(으)로 불러온 것입니다</translation>
    </message>
    <message>
        <source>Choose another dtype or quantization.</source>
        <translation>다른 dtype 또는 양자화를 선택하십시오.</translation>
    </message>
</context>
<context>
    <name>ResultsView</name>
    <message>
        <source>Task and measure</source>
        <translation>과제와 지표</translation>
    </message>
    <message>
        <source>Scores</source>
        <translation>점수</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}: {1}</translation>
    </message>
    <message>
        <source>higher is better</source>
        <translation>높을수록 좋음</translation>
    </message>
    <message>
        <source>lower is better</source>
        <translation>낮을수록 좋음</translation>
    </message>
    <message>
        <source>{0}: {1}, {2}</source>
        <translation>{0}: {1}, {2}</translation>
    </message>
</context>
<context>
    <name>RoleCaption</name>
    <message>
        <source>⚠ {0}</source>
        <translation>⚠ {0}</translation>
    </message>
    <message>
        <source>Starting PyTorch …</source>
        <translation>PyTorch 시작 중 …</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>대기 중</translation>
    </message>
    <message>
        <source>not loaded yet</source>
        <translation>아직 로드되지 않음</translation>
    </message>
    <message>
        <source>not loaded</source>
        <translation>로드되지 않음</translation>
    </message>
    <message>
        <source>{0} at {1}</source>
        <translation>{1}의 {0}</translation>
    </message>
    <message>
        <source>at {0}</source>
        <translation>{0}에 있음</translation>
    </message>
    <message>
        <source>LoRA</source>
        <translation>LoRA</translation>
    </message>
    <message>
        <source>shared</source>
        <translation>공유</translation>
    </message>
    <message>
        <source>{0} offloaded</source>
        <translation>오프로드 {0}</translation>
    </message>
    <message>
        <source>preparing for the CPU …</source>
        <translation>CPU용으로 준비하는 중 …</translation>
    </message>
    <message>
        <source>not downloaded yet</source>
        <translation>아직 다운로드되지 않음</translation>
    </message>
    <message>
        <source>File not found: {0}</source>
        <translation>파일을 찾을 수 없음: {0}</translation>
    </message>
    <message>
        <source>read, {0} MB</source>
        <translation>읽음, {0} MB</translation>
    </message>
    <message>
        <source>proving …</source>
        <translation>증명하는 중 …</translation>
    </message>
    <message>
        <source>converting {0} of {1} MB</source>
        <translation>변환 중 {0} / {1} MB</translation>
    </message>
    <message>
        <source>loading {0} of {1} MB</source>
        <translation>로드 중 {0} / {1} MB</translation>
    </message>
</context>
<context>
    <name>RoleColumn</name>
    <message>
        <source>These roles have the same checkpoint and the same prompt, so one answer stands for all of them.</source>
        <translation>체크포인트와 프롬프트가 같은 역할들이므로 답변 하나로 함께 표시합니다.</translation>
    </message>
    <message>
        <source>Inspect</source>
        <translation>살펴보기</translation>
    </message>
    <message>
        <source>Show this run in the window</source>
        <translation>이 실행을 창에 표시합니다</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>복사</translation>
    </message>
    <message>
        <source>Copy the text of this run</source>
        <translation>이 실행의 텍스트를 복사합니다</translation>
    </message>
    <message>
        <source>{0} tokens/s</source>
        <translation>{0} 토큰/초</translation>
    </message>
</context>
<context>
    <name>RoleOptions</name>
    <message>
        <source>auto</source>
        <translation>자동</translation>
    </message>
    <message>
        <source>none</source>
        <translation>없음</translation>
    </message>
    <message>
        <source>int8</source>
        <translation>int8</translation>
    </message>
    <message>
        <source>NF4, 4 bits</source>
        <translation>NF4, 4비트</translation>
    </message>
    <message>
        <source>Keep layers that do not fit in main memory</source>
        <translation>들어가지 않는 레이어는 메인 메모리에 두기</translation>
    </message>
    <message>
        <source>D&amp;type</source>
        <translation>dtype(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Device</source>
        <translation>장치(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Quantization</source>
        <translation>양자화(&amp;Q)</translation>
    </message>
    <message>
        <source>O&amp;ffload</source>
        <translation>오프로드(&amp;F)</translation>
    </message>
    <message>
        <source>Dtype</source>
        <translation>dtype</translation>
    </message>
    <message>
        <source>auto: the dtype of the checkpoint.</source>
        <translation>자동: 체크포인트의 dtype입니다.</translation>
    </message>
    <message>
        <source>auto: the device set in the preferences.</source>
        <translation>자동: 환경 설정에서 정한 장치입니다.</translation>
    </message>
    <message>
        <source>Fewer bits per weight (bitsandbytes): less memory, slightly less accurate.</source>
        <translation>가중치당 비트 수를 줄입니다(bitsandbytes). 메모리를 덜 쓰지만 정확도가 조금 떨어집니다.</translation>
    </message>
    <message>
        <source>Offloaded layers are copied to the device for every forward pass: slow.</source>
        <translation>오프로드된 레이어를 순전파마다 장치로 복사하므로 느립니다.</translation>
    </message>
    <message>
        <source>Models cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 모델을 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>장치</translation>
    </message>
    <message>
        <source>Quantization</source>
        <translation>양자화</translation>
    </message>
    <message>
        <source>Offload</source>
        <translation>오프로드</translation>
    </message>
    <message>
        <source>Options of the {0}</source>
        <translation>{0} 옵션</translation>
    </message>
    <message>
        <source>{0}, an adapter over {1}</source>
        <translation>{0} ({1}의 어댑터)</translation>
    </message>
</context>
<context>
    <name>RolePicker</name>
    <message>
        <source>Loading of {0}</source>
        <translation>{0} 로드</translation>
    </message>
    <message>
        <source>Options of {0}</source>
        <translation>{0} 옵션</translation>
    </message>
    <message>
        <source>On this disk …</source>
        <translation>이 디스크에서 …</translation>
    </message>
    <message>
        <source>Folder …</source>
        <translation>폴더 …</translation>
    </message>
    <message>
        <source>From the Hub …</source>
        <translation>Hub에서 …</translation>
    </message>
    <message>
        <source>GGUF file …</source>
        <translation>GGUF 파일 …</translation>
    </message>
    <message>
        <source>API endpoint …</source>
        <translation>API 엔드포인트 …</translation>
    </message>
    <message>
        <source>Choose the folder of a LoRA adapter</source>
        <translation>LoRA 어댑터 폴더 선택</translation>
    </message>
    <message>
        <source>Models cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 모델을 바꿀 수 없습니다. Esc를 누르면 실행이 중지됩니다.</translation>
    </message>
    <message>
        <source>a custom template</source>
        <translation>사용자 지정 템플릿</translation>
    </message>
    <message>
        <source>Choose a GGUF file</source>
        <translation>GGUF 파일 선택</translation>
    </message>
    <message>
        <source>LoRA adapter in a folder …</source>
        <translation>폴더의 LoRA 어댑터 …</translation>
    </message>
    <message>
        <source>LoRA adapter in a GGUF file …</source>
        <translation>GGUF 파일의 LoRA 어댑터 …</translation>
    </message>
    <message>
        <source>Tuned on a server …</source>
        <translation>서버에서 조정 …</translation>
    </message>
    <message>
        <source>GGUF files ({0})</source>
        <translation>GGUF 파일 ({0})</translation>
    </message>
    <message>
        <source>All files ({0})</source>
        <translation>모든 파일 ({0})</translation>
    </message>
    <message>
        <source>Choose the GGUF file of a LoRA adapter</source>
        <translation>LoRA 어댑터의 GGUF 파일 선택</translation>
    </message>
    <message>
        <source>Choose the folder of a checkpoint</source>
        <translation>체크포인트 폴더 선택</translation>
    </message>
    <message>
        <source>plain text</source>
        <translation>일반 텍스트</translation>
    </message>
    <message>
        <source>the model&apos;s chat template</source>
        <translation>모델의 채팅 템플릿</translation>
    </message>
    <message>
        <source>Dtype {0}, device {1}, quantization {2}</source>
        <translation>dtype {0}, 장치 {1}, 양자화 {2}</translation>
    </message>
    <message>
        <source>Prompt format: {0}</source>
        <translation>프롬프트 형식: {0}</translation>
    </message>
</context>
<context>
    <name>Roles</name>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>expert “{0}”</source>
        <translation>전문가 “{0}”</translation>
    </message>
    <message>
        <source>anti-expert “{0}”</source>
        <translation>반전문가 “{0}”</translation>
    </message>
</context>
<context>
    <name>RunChoice</name>
    <message>
        <source>Runs of the summary</source>
        <translation>요약할 실행</translation>
    </message>
</context>
<context>
    <name>RunDelegate</name>
    <message>
        <source>Name of the run</source>
        <translation>실행 이름</translation>
    </message>
</context>
<context>
    <name>RunDetails</name>
    <message>
        <source>Prompt and beginning of the generated text</source>
        <translation>프롬프트와 생성된 텍스트의 앞부분</translation>
    </message>
    <message>
        <source>Tags, separated by commas</source>
        <translation>쉼표로 구분한 태그</translation>
    </message>
    <message>
        <source>Tags</source>
        <translation>태그</translation>
    </message>
</context>
<context>
    <name>RunModelsBar</name>
    <message>
        <source>Open its models</source>
        <translation>이 모델 열기</translation>
    </message>
    <message>
        <source>Open its recipe</source>
        <translation>이 레시피 열기</translation>
    </message>
    <message>
        <source>Open the recipe “{0}” of this text</source>
        <translation>이 텍스트의 레시피 “{0}” 열기</translation>
    </message>
    <message>
        <source>Models of this text that are not loaded: {0}</source>
        <translation>로드되어 있지 않은 이 텍스트의 모델: {0}</translation>
    </message>
    <message>
        <source>This text was made with other roles or options of the models, such as another prompt format.</source>
        <translation>이 텍스트는 모델의 다른 역할이나 옵션(예: 다른 프롬프트 형식)으로 만들어졌습니다.</translation>
    </message>
</context>
<context>
    <name>RunTable</name>
    <message>
        <source>Title</source>
        <translation>제목</translation>
    </message>
    <message>
        <source>Recipe</source>
        <translation>레시피</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>Started</source>
        <translation>시작</translation>
    </message>
    <message>
        <source>Tags</source>
        <translation>태그</translation>
    </message>
    <message>
        <source>{0}, starred</source>
        <translation>{0}, 별표</translation>
    </message>
    <message>
        <source>{0}, {1}</source>
        <translation>{0}, {1}</translation>
    </message>
</context>
<context>
    <name>RunText</name>
    <message>
        <source>Copy the selected text</source>
        <translation>선택한 텍스트 복사</translation>
    </message>
    <message>
        <source>Copy the text of the token</source>
        <translation>토큰의 텍스트 복사</translation>
    </message>
    <message>
        <source>Copy the token id</source>
        <translation>토큰 ID 복사</translation>
    </message>
</context>
<context>
    <name>RunTitles</name>
    <message>
        <source>tuned</source>
        <translation>튜닝</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>실패</translation>
    </message>
    <message>
        <source>generating …</source>
        <translation>생성 중 …</translation>
    </message>
    <message>
        <source>waiting …</source>
        <translation>대기 중 …</translation>
    </message>
    <message>
        <source>end of text</source>
        <translation>텍스트 끝</translation>
    </message>
    <message>
        <source>stop string</source>
        <translation>중지 문자열</translation>
    </message>
    <message>
        <source>token limit</source>
        <translation>토큰 한도</translation>
    </message>
    <message>
        <source>context full</source>
        <translation>컨텍스트가 가득 참</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>중지됨</translation>
    </message>
    <message>
        <source>Prompt: {0}</source>
        <translation>프롬프트: {0}</translation>
    </message>
    <message>
        <source>Chat: {0}</source>
        <translation>대화: {0}</translation>
    </message>
    <message>
        <source>All roles: {0}</source>
        <translation>모든 역할: {0}</translation>
    </message>
    <message>
        <source>from token {0}</source>
        <translation>토큰 {0}부터</translation>
    </message>
    <message>
        <source>scored text</source>
        <translation>스코어링한 텍스트</translation>
    </message>
    <message>
        <source>step by step</source>
        <translation>한 토큰씩</translation>
    </message>
    <message>
        <source>turn {0}</source>
        <translation>{0}번째 차례</translation>
    </message>
</context>
<context>
    <name>RunTree</name>
    <message>
        <source>shown</source>
        <translation>표시 중</translation>
    </message>
</context>
<context>
    <name>RunWords</name>
    <message>
        <source>end of text</source>
        <translation>텍스트 끝</translation>
    </message>
    <message>
        <source>stop string</source>
        <translation>중지 문자열</translation>
    </message>
    <message>
        <source>token limit</source>
        <translation>토큰 한도</translation>
    </message>
    <message>
        <source>context full</source>
        <translation>컨텍스트가 가득 참</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>중지됨</translation>
    </message>
    <message>
        <source>failed: {0}</source>
        <translation>실패: {0}</translation>
    </message>
    <message>
        <source>not started</source>
        <translation>시작되지 않음</translation>
    </message>
    <message>
        <source>not finished</source>
        <translation>완료되지 않음</translation>
    </message>
    <message>
        <source>scored text</source>
        <translation>스코어링한 텍스트</translation>
    </message>
    <message>
        <source>branch at token {0}</source>
        <translation>토큰 {0}에서 분기</translation>
    </message>
    <message>
        <source>generated</source>
        <translation>생성된 텍스트</translation>
    </message>
    <message>
        <source>base alone</source>
        <translation>베이스만</translation>
    </message>
    <message>
        <source>expert {0} alone</source>
        <translation>{0} 전문가만</translation>
    </message>
    <message>
        <source>anti-expert {0} alone</source>
        <translation>{0} 반전문가만</translation>
    </message>
    <message>
        <source>{0} → {1}</source>
        <translation>{0} → {1}</translation>
    </message>
</context>
<context>
    <name>Runs</name>
    <message>
        <source>There is no text to score</source>
        <translation>스코어링할 텍스트가 없습니다</translation>
    </message>
    <message>
        <source>Paste or type some text.</source>
        <translation>텍스트를 붙여 넣거나 입력하십시오.</translation>
    </message>
</context>
<context>
    <name>RunsMenu</name>
    <message>
        <source>&amp;Runs</source>
        <translation>실행 목록(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Fork here with …</source>
        <translation>여기서 분기(&amp;F) …</translation>
    </message>
    <message>
        <source>Next alternative</source>
        <translation>다음 후보</translation>
    </message>
    <message>
        <source>Previous alternative</source>
        <translation>이전 후보</translation>
    </message>
    <message>
        <source>Continue &amp;with your own text …</source>
        <translation>직접 쓴 텍스트로 이어 가기(&amp;W) …</translation>
    </message>
    <message>
        <source>What if α were &amp;different …</source>
        <translation>α가 달랐다면(&amp;D) …</translation>
    </message>
    <message>
        <source>Next different t&amp;oken</source>
        <translation>다음 다른 토큰(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Generate from the first different token</source>
        <translation>첫 번째 다른 토큰부터 생성(&amp;G)</translation>
    </message>
    <message>
        <source>Next run</source>
        <translation>다음 실행</translation>
    </message>
    <message>
        <source>Previous run</source>
        <translation>이전 실행</translation>
    </message>
    <message>
        <source>&amp;Compare …</source>
        <translation>비교(&amp;C) …</translation>
    </message>
    <message>
        <source>Compare &amp;quantizations …</source>
        <translation>양자화 비교(&amp;Q) …</translation>
    </message>
    <message>
        <source>&amp;Remove the shown run</source>
        <translation>표시된 실행 제거(&amp;R)</translation>
    </message>
    <message>
        <source>Remove a&amp;ll runs</source>
        <translation>모든 실행 제거(&amp;L)</translation>
    </message>
    <message>
        <source>Re&amp;store the removed run</source>
        <translation>제거한 실행 복원(&amp;S)</translation>
    </message>
    <message>
        <source>Not with a base that is tuned on a server: it needs all logits here</source>
        <translation>서버에서 조정되는 베이스로는 할 수 없습니다. 전체 로짓이 여기에 있어야 합니다</translation>
    </message>
</context>
<context>
    <name>RunsPanel</name>
    <message>
        <source>The runs of this window and their branches are listed here.

To start a branch, choose another candidate at a token of a run.</source>
        <translation>이 창의 실행과 그 분기가 여기에 표시됩니다.

분기를 시작하려면 실행의 토큰에서 다른 후보를 고르십시오.</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>복원</translation>
    </message>
    <message>
        <source>Search texts, models, settings</source>
        <translation>텍스트, 모델, 설정 검색</translation>
    </message>
    <message>
        <source>Search the runs</source>
        <translation>실행 검색</translation>
    </message>
    <message>
        <source>Runs and their branches</source>
        <translation>실행과 분기</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>이름 바꾸기</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>제거</translation>
    </message>
    <message>
        <source>Removed {0}</source>
        <translation>{0} 제거됨</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>표시</translation>
    </message>
    <message>
        <source>Compare with the shown run</source>
        <translation>표시된 실행과 비교</translation>
    </message>
    <message>
        <source>Compare with its parent run</source>
        <translation>부모 실행과 비교</translation>
    </message>
</context>
<context>
    <name>SamplingPanel</name>
    <message>
        <source>Seed</source>
        <translation>시드</translation>
    </message>
    <message>
        <source>Stop strings</source>
        <translation>중지 문자열</translation>
    </message>
    <message>
        <source>Structure</source>
        <translation>구조</translation>
    </message>
    <message>
        <source>Policy of α</source>
        <translation>α 정책</translation>
    </message>
    <message>
        <source>Reset to the recipe</source>
        <translation>레시피 값으로 초기화</translation>
    </message>
    <message>
        <source>Sampling settings that were saved, without the seed</source>
        <translation>저장한 샘플링 설정(시드 제외)</translation>
    </message>
    <message>
        <source>off</source>
        <translation>끔</translation>
    </message>
    <message>
        <source>Max new tokens</source>
        <translation>최대 새 토큰</translation>
    </message>
    <message>
        <source>A run ends after at most this many tokens.</source>
        <translation>실행은 최대 이 토큰 수에서 끝납니다.</translation>
    </message>
    <message>
        <source>0 is greedy: always the most probable token. Higher values are more random.</source>
        <translation>0은 그리디로, 항상 확률이 가장 높은 토큰을 고릅니다. 높을수록 무작위성이 커집니다.</translation>
    </message>
    <message>
        <source>Sample only from the k most probable tokens; 0 is off.</source>
        <translation>확률이 가장 높은 k개의 토큰에서만 샘플링합니다. 0은 끔.</translation>
    </message>
    <message>
        <source>Sample only from the fewest tokens that reach this total probability; 1 is off.</source>
        <translation>확률의 합이 이 값에 이르는 최소한의 상위 토큰에서만 샘플링합니다. 1은 끔.</translation>
    </message>
    <message>
        <source>Exclude tokens below this fraction of the top token&apos;s probability; 0 is off.</source>
        <translation>확률이 가장 높은 토큰의 확률에 이 비율을 곱한 값보다 낮은 토큰을 제외합니다. 0은 끔.</translation>
    </message>
    <message>
        <source>Above 1, tokens that already occur become less probable; 1 is off.</source>
        <translation>1보다 크면 이미 나온 토큰의 확률이 낮아집니다. 1은 끔.</translation>
    </message>
    <message>
        <source>Frequency penalty</source>
        <translation>빈도 페널티</translation>
    </message>
    <message>
        <source>Subtracted from a token&apos;s logit each time it was generated; 0 is off.</source>
        <translation>토큰이 생성될 때마다 그 로짓에서 뺍니다. 0이면 사용하지 않습니다.</translation>
    </message>
    <message>
        <source>Presence penalty</source>
        <translation>존재 페널티</translation>
    </message>
    <message>
        <source>Subtracted from the logits of tokens that were generated; 0 is off.</source>
        <translation>이미 생성된 토큰의 로짓에서 한 번 뺍니다. 0이면 사용하지 않습니다.</translation>
    </message>
    <message>
        <source>A run ends before any of these strings; write one per line.
\n is a line break, \t a tab, \\ a backslash.</source>
        <translation>이 문자열 중 하나가 나오기 직전에 실행이 끝납니다. 한 줄에 하나씩 입력하십시오.
\n은 줄바꿈, \t는 탭, \\는 백슬래시입니다.</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>온도</translation>
    </message>
    <message>
        <source>0 (greedy)</source>
        <translation>0 (그리디)</translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation>Top-k</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Repetition penalty</source>
        <translation>반복 페널티</translation>
    </message>
    <message>
        <source>one per line</source>
        <translation>한 줄에 하나씩</translation>
    </message>
    <message>
        <source>Click to show or hide the sampling settings.</source>
        <translation>클릭하면 샘플링 설정을 표시하거나 숨깁니다.</translation>
    </message>
    <message>
        <source>Sampling: {0}</source>
        <translation>샘플링: {0}</translation>
    </message>
    <message>
        <source>Cannot be had from a server that tunes the base.</source>
        <translation>베이스를 조정하는 서버에서는 쓸 수 없습니다.</translation>
    </message>
    <message>
        <source>{0} · excluded tokens: {1}</source>
        <translation>{0} · 제외한 토큰: {1}</translation>
    </message>
    <message>
        <source>α {0}</source>
        <translation>α {0}</translation>
    </message>
    <message>
        <source>greedy · {0} tokens</source>
        <translation>그리디 · 토큰 {0}개</translation>
    </message>
    <message>
        <source>temp. {0:g} · top-p {1:g} · new seeds</source>
        <translation>온도 {0:g} · top-p {1:g} · 매번 새 시드</translation>
    </message>
    <message>
        <source>temp. {0:g} · top-p {1:g} · seed {2}</source>
        <translation>온도 {0:g} · top-p {1:g} · 시드 {2}</translation>
    </message>
</context>
<context>
    <name>SavedBar</name>
    <message>
        <source>Saved file</source>
        <translation>저장한 파일</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>폴더에서 보기</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Saved {0}</source>
        <translation>저장함: {0}</translation>
    </message>
</context>
<context>
    <name>ScoreChart</name>
    <message>
        <source>Chart of the scores</source>
        <translation>점수 차트</translation>
    </message>
    <message>
        <source>α ×</source>
        <translation>α ×</translation>
    </message>
</context>
<context>
    <name>ScoreDialog</name>
    <message>
        <source>Score a text</source>
        <translation>텍스트 스코어링</translation>
    </message>
    <message>
        <source>Prompt</source>
        <translation>프롬프트</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>텍스트</translation>
    </message>
    <message>
        <source>Paste the answer of any model, or type a text. The text begins right after the prompt.</source>
        <translation>다른 모델의 답변을 붙여 넣거나 텍스트를 직접 입력하십시오. 텍스트는 프롬프트 바로 뒤에서 시작합니다.</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>스코어링</translation>
    </message>
    <message>
        <source>Compute the probability and the shift of each token of the text (Ctrl+Enter)</source>
        <translation>텍스트의 토큰별 확률과 변화량을 계산합니다 (Ctrl+Enter)</translation>
    </message>
    <message>
        <source>Reading the text …</source>
        <translation>텍스트 읽는 중 …</translation>
    </message>
    <message>
        <source>Another run is being generated. Press Esc in the window to stop it.</source>
        <translation>다른 실행을 생성하고 있습니다. 창에서 Esc를 누르면 중지합니다.</translation>
    </message>
    <message>
        <source>The models are not loaded; scoring loads them.</source>
        <translation>모델이 로드되지 않았습니다. 스코어링을 시작하면 로드합니다.</translation>
    </message>
    <message>
        <source>Type a prompt: the text that comes before the scored text.</source>
        <translation>프롬프트를 입력하십시오. 스코어링할 텍스트 앞에 오는 텍스트입니다.</translation>
    </message>
    <message>
        <source>Nothing is generated: the models compute how probable each token of this text is.</source>
        <translation>아무것도 생성하지 않고, 이 텍스트의 각 토큰이 얼마나 확률이 높은지 계산합니다.</translation>
    </message>
    <message>
        <source>{0} characters</source>
        <translation>{0}자</translation>
    </message>
    <message>
        <source>{0} characters, right after the prompt: “{1}”</source>
        <translation>{0}자, 프롬프트 바로 뒤: “{1}”</translation>
    </message>
    <message>
        <source>{0} cannot be read</source>
        <translation>{0}: 읽을 수 없습니다</translation>
    </message>
</context>
<context>
    <name>SeedField</name>
    <message>
        <source>new each time</source>
        <translation>매번 새로</translation>
    </message>
    <message>
        <source>The same seed, recipe and prompt give the same text.
Without a pinned seed, every run has a new one, which is recorded with it.</source>
        <translation>시드, 레시피, 프롬프트가 같으면 같은 텍스트가 나옵니다.
시드를 고정하지 않으면 실행마다 새 시드를 쓰며, 시드는 실행과 함께 기록됩니다.</translation>
    </message>
    <message>
        <source>New random seed</source>
        <translation>새 무작위 시드</translation>
    </message>
    <message>
        <source>Pin a new random seed</source>
        <translation>새 무작위 시드를 고정합니다</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>고정</translation>
    </message>
    <message>
        <source>Pin the seed</source>
        <translation>시드 고정</translation>
    </message>
    <message>
        <source>Use the seed of the shown run for all runs, until the pin is removed.</source>
        <translation>고정을 해제할 때까지 모든 실행에 표시된 실행의 시드를 씁니다.</translation>
    </message>
</context>
<context>
    <name>ServeDialog</name>
    <message>
        <source>API server</source>
        <translation>API 서버</translation>
    </message>
    <message>
        <source>any</source>
        <translation>아무 포트</translation>
    </message>
    <message>
        <source>&amp;New key</source>
        <translation>새 키(&amp;N)</translation>
    </message>
    <message>
        <source>Copy &amp;key</source>
        <translation>키 복사(&amp;K)</translation>
    </message>
    <message>
        <source>shown while the server runs</source>
        <translation>서버가 실행 중일 때 표시</translation>
    </message>
    <message>
        <source>URL of the API</source>
        <translation>API의 URL</translation>
    </message>
    <message>
        <source>Chat programs, scripts and benchmarks can use the loaded recipe through an API that is compatible with OpenAI&apos;s. Requests use the α values and sampling settings of the window unless they set their own. Requests and runs of the window take turns; Stop ends only the run of the window.</source>
        <translation>채팅 프로그램, 스크립트, 벤치마크가 OpenAI 호환 API로 로드된 레시피를 사용할 수 있습니다. 요청에 따로 지정하지 않으면 창의 α 값과 샘플링 설정을 사용합니다. 요청과 창의 실행은 번갈아 처리되며, 중지는 창의 실행만 끝냅니다.</translation>
    </message>
    <message>
        <source>URL</source>
        <translation>URL</translation>
    </message>
    <message>
        <source>&amp;Start server</source>
        <translation>서버 시작(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Stop server</source>
        <translation>서버 중지(&amp;S)</translation>
    </message>
    <message>
        <source>Other computers can reach this address: set a key.</source>
        <translation>다른 컴퓨터에서 이 주소에 접속할 수 있습니다. 키를 설정하십시오.</translation>
    </message>
    <message>
        <source>Off. The server never starts by itself, and the key is not saved.</source>
        <translation>꺼져 있습니다. 서버는 저절로 시작되지 않으며 키는 저장되지 않습니다.</translation>
    </message>
    <message>
        <source>On, but no models are loaded: clients are asked to retry later.</source>
        <translation>켜져 있지만 로드된 모델이 없습니다. 클라이언트에 나중에 다시 시도하라고 응답합니다.</translation>
    </message>
    <message>
        <source>On: serving “{0}”, also under the model name “tuneshift”.</source>
        <translation>켜짐: “{0}” 제공 중 (모델 이름 “tuneshift”로도 사용 가능).</translation>
    </message>
    <message>
        <source>Requests: {0} · completions: {1} · tokens: {2} · waiting: {3}</source>
        <translation>요청: {0} · 완성: {1} · 토큰: {2} · 대기: {3}</translation>
    </message>
    <message>
        <source>{0} · current client: {1}</source>
        <translation>{0} · 현재 클라이언트: {1}</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>복사(&amp;C)</translation>
    </message>
    <message>
        <source>Copy the &amp;example</source>
        <translation>예제 복사(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Port</source>
        <translation>포트(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Address</source>
        <translation>주소(&amp;A)</translation>
    </message>
    <message>
        <source>Key</source>
        <translation>키</translation>
    </message>
    <message>
        <source>Starting …</source>
        <translation>시작 중 …</translation>
    </message>
    <message>
        <source>Stopping …</source>
        <translation>중지 중 …</translation>
    </message>
</context>
<context>
    <name>ServeIndicator</name>
    <message>
        <source>The API server is on. Click for details.</source>
        <translation>API 서버가 켜져 있습니다. 클릭하면 자세한 내용을 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>API server · in progress: {0}</source>
        <translation>API 서버 · 처리 중: {0}</translation>
    </message>
    <message>
        <source>API server</source>
        <translation>API 서버</translation>
    </message>
</context>
<context>
    <name>Session</name>
    <message>
        <source>The models were unloaded, and Generate loads them again. {0}</source>
        <translation>모델을 메모리에서 내렸습니다. 생성을 누르면 다시 불러옵니다. {0}</translation>
    </message>
</context>
<context>
    <name>SetupForm</name>
    <message>
        <source>optional: folder, .gguf or hub:OWNER/NAME</source>
        <translation>선택 사항: 폴더, .gguf 또는 hub:OWNER/NAME</translation>
    </message>
    <message>
        <source>A directly tuned model to compare with; adds “gap closed” to the scores</source>
        <translation>비교할 직접 튜닝된 모델입니다. 점수에 ‘격차 해소’가 추가됩니다</translation>
    </message>
    <message>
        <source>Directly tuned model</source>
        <translation>직접 튜닝한 모델</translation>
    </message>
    <message>
        <source>…</source>
        <translation>…</translation>
    </message>
    <message>
        <source>Choose the folder of the directly tuned model</source>
        <translation>직접 튜닝한 모델의 폴더 선택</translation>
    </message>
    <message>
        <source>Factors for every α, separated by commas; tuned is measured with each factor</source>
        <translation>모든 α에 곱할 배수를 쉼표로 구분해 입력합니다. 튜닝은 배수마다 측정합니다</translation>
    </message>
    <message>
        <source>optional, such as kl:0.5</source>
        <translation>선택 사항 (예: kl:0.5)</translation>
    </message>
    <message>
        <source>Policies of α, separated by commas; tuned is measured with each beside constant α, and the scores say whether one is better than the best constant.
{0}</source>
        <translation>쉼표로 구분한 α 정책. 튜닝된 모델을 일정한 α와 함께 각 정책으로 측정하고, 가장 좋은 일정한 α보다 나은 정책이 있는지 점수에 표시합니다.
{0}</translation>
    </message>
    <message>
        <source>Batch size: prompts processed together</source>
        <translation>배치 크기: 함께 처리하는 프롬프트 수</translation>
    </message>
    <message>
        <source>Run code that models write</source>
        <translation>모델이 작성한 코드 실행</translation>
    </message>
    <message>
        <source>A task runs code that models write: for seconds and without network, but with access to your files. Use a container for models that you do not trust.</source>
        <translation>모델이 작성한 코드를 과제가 실행합니다. 시간은 몇 초로 제한되고 네트워크는 차단되지만 내 파일에는 접근할 수 있습니다. 신뢰할 수 없는 모델에는 컨테이너를 사용하십시오.</translation>
    </message>
    <message>
        <source>α ×</source>
        <translation>α ×</translation>
    </message>
    <message>
        <source>Policies</source>
        <translation>정책</translation>
    </message>
    <message>
        <source>batch size</source>
        <translation>배치 크기</translation>
    </message>
    <message>
        <source>Roles</source>
        <translation>역할</translation>
    </message>
    <message>
        <source>Directly tuned model for comparison</source>
        <translation>비교할 직접 튜닝된 모델</translation>
    </message>
    <message>
        <source>tuned by “{0}” only</source>
        <translation>“{0}”만으로 튜닝</translation>
    </message>
    <message>
        <source>tuned (all pairs)</source>
        <translation>튜닝 (모든 쌍)</translation>
    </message>
    <message>
        <source>{0} needs a data file: choose it below the tasks.</source>
        <translation>{0}에는 데이터 파일이 필요합니다. 과제 아래에서 선택하십시오.</translation>
    </message>
    <message>
        <source>Check a role.</source>
        <translation>역할을 선택하십시오.</translation>
    </message>
    <message>
        <source>A task runs code that models write: allow this, or uncheck the task.</source>
        <translation>모델이 작성한 코드를 실행하는 과제가 있습니다. 실행을 허용하거나 과제 선택을 해제하십시오.</translation>
    </message>
    <message>
        <source>all</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>auto</source>
        <translation>자동</translation>
    </message>
    <message>
        <source>Questions</source>
        <translation>문항 수</translation>
    </message>
    <message>
        <source>Tasks</source>
        <translation>과제</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>expert “{0}”</source>
        <translation>전문가 “{0}”</translation>
    </message>
    <message>
        <source>anti-expert “{0}”</source>
        <translation>반전문가 “{0}”</translation>
    </message>
    <message>
        <source>Check a task, or add a file with your own questions.</source>
        <translation>과제를 선택하거나 직접 만든 문항 파일을 추가하십시오.</translation>
    </message>
</context>
<context>
    <name>Shares</name>
    <message>
        <source>{English} of English exactly</source>
        <translation>영어 {English} 정확히</translation>
    </message>
    <message>
        <source>exactly {English} of English, {code} of code, {Korean} of Korean</source>
        <translation>영어 {English}, 코드 {code}, 한국어 {Korean} 정확히</translation>
    </message>
    <message>
        <source>{English} of the base&apos;s tokens in an English text are tokens of the pair, {code} in program code and {Korean} in Korean; the pair does not change the probability of the others.</source>
        <translation>베이스 토큰 중 영어 글에서는 {English}, 프로그램 코드에서는 {code}, 한국어에서는 {Korean}가 쌍의 토큰이기도 합니다. 쌍은 나머지 토큰의 확률을 바꾸지 않습니다.</translation>
    </message>
    <message>
        <source>One token of the pair leads to {English} of the base&apos;s tokens in an English text, {code} in program code and {Korean} in Korean; of the others, those that the base finds likely are read piece by piece.</source>
        <translation>쌍의 토큰 하나가 영어 글에서는 베이스 토큰의 {English}, 프로그램 코드에서는 {code}, 한국어에서는 {Korean}에 이릅니다. 나머지 중 베이스가 가능성이 높다고 보는 토큰은 조각별로 읽습니다.</translation>
    </message>
    <message>
        <source>{0} of all begin where a token of the pair begins.</source>
        <translation>전체의 {0}는 쌍의 토큰이 시작하는 곳에서 시작합니다.</translation>
    </message>
</context>
<context>
    <name>ShiftPlot</name>
    <message>
        <source>Bars show contributions: above zero, a pair raised the token.</source>
        <translation>막대는 기여도입니다. 0 위는 쌍이 토큰의 확률을 높인 것입니다.</translation>
    </message>
    <message>
        <source>No room for the plot</source>
        <translation>플롯을 표시할 공간이 없습니다</translation>
    </message>
    <message>
        <source>Shift of each token by expert pair</source>
        <translation>토큰별·전문가 쌍별 변화량</translation>
    </message>
</context>
<context>
    <name>ShiftStrip</name>
    <message>
        <source>Shift of each token of both runs</source>
        <translation>두 실행의 토큰별 변화량</translation>
    </message>
    <message>
        <source>token {0}</source>
        <translation>토큰 {0}</translation>
    </message>
    <message>
        <source>{0}: shift {1}</source>
        <translation>{0}: 변화량 {1}</translation>
    </message>
    <message>
        <source>the run has ended</source>
        <translation>실행 끝남</translation>
    </message>
    <message>
        <source>the runs differ from token {0} on</source>
        <translation>토큰 {0}부터 다름</translation>
    </message>
    <message>
        <source>bars: shift, full height at {0} bits · line: flip</source>
        <translation>막대: 변화량, 최대 {0}비트 · 선: 1순위 바뀜</translation>
    </message>
</context>
<context>
    <name>ShortcutsDialog</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>단축키</translation>
    </message>
    <message>
        <source>Find an action, a key or a view</source>
        <translation>동작, 키 또는 보기 찾기</translation>
    </message>
    <message>
        <source>No key does that.</source>
        <translation>그런 키가 없습니다.</translation>
    </message>
</context>
<context>
    <name>SideBySidePrompts</name>
    <message>
        <source>Prompts of all roles, side by side</source>
        <translation>모든 역할의 프롬프트를 나란히</translation>
    </message>
    <message>
        <source>Aligning the prompts …</source>
        <translation>프롬프트를 정렬하는 중 …</translation>
    </message>
    <message>
        <source>All roles are the same model with the same prompt.</source>
        <translation>모든 역할이 같은 프롬프트를 읽는 같은 모델입니다.</translation>
    </message>
    <message>
        <source>The prompts differ in {0} of {1} rows (F8 goes to the next).</source>
        <translation>{1}행 가운데 {0}행에서 프롬프트가 다릅니다(F8: 다음 차이).</translation>
    </message>
    <message>
        <source>All roles read the same tokens.</source>
        <translation>모든 역할이 같은 토큰을 읽습니다.</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}: {1}</translation>
    </message>
</context>
<context>
    <name>SourceTitles</name>
    <message>
        <source>{0}, shipped with Tuneshift</source>
        <translation>{0} (Tuneshift에 포함)</translation>
    </message>
</context>
<context>
    <name>StatusBar</name>
    <message>
        <source>Device and dtype of the base</source>
        <translation>베이스의 장치와 dtype</translation>
    </message>
    <message>
        <source>{0} tokens/s</source>
        <translation>{0} 토큰/초</translation>
    </message>
    <message>
        <source>Main memory that the loaded models take now, measured. The program itself takes {0} more.</source>
        <translation>불러온 모델이 지금 차지하는 주 메모리(측정값)입니다. 프로그램 자체는 {0}를 더 차지합니다.</translation>
    </message>
    <message>
        <source>Plain decoding: the {0} cannot rewind</source>
        <translation>일반 디코딩: {0} 되감기 불가</translation>
    </message>
    <message>
        <source>This model has a recurrent state instead of a KV cache that can be shortened, so tokens cannot be drafted and verified.</source>
        <translation>줄일 수 있는 KV 캐시 대신 순환 상태를 쓰는 모델이라 토큰의 초안을 만들고 검증할 수 없습니다.</translation>
    </message>
    <message>
        <source>{0} tokens without pairs</source>
        <translation>쌍 없이 토큰 {0}개</translation>
    </message>
    <message>
        <source>The policy of α did not need the pairs there: {0} forward passes were skipped, and {1} tokens read later, in blocks. There are no drafts then.</source>
        <translation>α 정책에 따라 그곳에서는 쌍이 필요하지 않았습니다. 순전파 {0}회를 건너뛰었고, 토큰 {1}개는 나중에 블록으로 읽었습니다. 이때는 초안을 쓰지 않습니다.</translation>
    </message>
    <message>
        <source>{0} tokens per forward pass</source>
        <translation>순전파당 토큰 {0}개</translation>
    </message>
    <message>
        <source>Speculative decoding: {0} of the drafted tokens were accepted. Drafts do not change which tokens are sampled.</source>
        <translation>추측 디코딩: 초안 토큰의 {0}을(를) 채택했습니다. 초안은 샘플링되는 토큰을 바꾸지 않습니다.</translation>
    </message>
    <message>
        <source>{0} kinds of step captured and checked in {1} s</source>
        <translation>단계 {0}종을 캡처하고 {1}초 동안 확인함</translation>
    </message>
    <message>
        <source>⚠ kinds of step uncaptured: {0}</source>
        <translation>⚠ 캡처하지 않는 단계: {0}종</translation>
    </message>
    <message>
        <source>Their replay differs from the uncaptured step, which is used instead:</source>
        <translation>재생 결과가 캡처하지 않은 단계와 달라 대신 캡처하지 않은 단계를 사용합니다:</translation>
    </message>
    <message>
        <source>⚠ coverage {0}</source>
        <translation>⚠ 커버리지 {0}</translation>
    </message>
    <message>
        <source>coverage {0}</source>
        <translation>커버리지 {0}</translation>
    </message>
    <message>
        <source>The tokens that the server returned have {0} of the base&apos;s probability on average, and {1} at least. No other token can be generated.</source>
        <translation>서버가 반환한 토큰이 베이스 확률에서 차지하는 비율: 평균 {0}, 최소 {1}. 다른 토큰은 생성될 수 없습니다.</translation>
    </message>
    <message>
        <source>The tokens that pairs of another tokenizer know exactly have {0} of the base&apos;s probability on average, and {1} at least.</source>
        <translation>다른 토크나이저의 쌍이 정확히 아는 토큰은 베이스 확률의 평균 {0}, 최소 {1}를 차지합니다.</translation>
    </message>
    <message>
        <source>With all its tokens the base might have generated another text. If the server allows it, request more log-probabilities.</source>
        <translation>모든 토큰이 있었다면 베이스가 다른 텍스트를 생성했을 수 있습니다. 서버가 허용하면 로그 확률을 더 많이 요청하십시오.</translation>
    </message>
    <message>
        <source>{0} · sent {1}, received {2} tokens</source>
        <translation>{0} · 보낸 토큰 {1}, 받은 토큰 {2}</translation>
    </message>
    <message>
        <source>Requests: {0}, tokens sent: {1}, received: {2}, retries: {3}</source>
        <translation>요청: {0}, 보낸 토큰: {1}, 받은 토큰: {2}, 재시도: {3}</translation>
    </message>
    <message>
        <source>In {0} requests the server split the text into other tokens than the pair.</source>
        <translation>요청 {0}개에서 서버가 텍스트를 쌍과 다른 토큰으로 나눴습니다.</translation>
    </message>
    <message>
        <source>Returned tokens that are not in the pair&apos;s vocabulary: {0}</source>
        <translation>반환되었으나 쌍의 어휘에 없는 토큰: {0}</translation>
    </message>
    <message>
        <source>They know only the first piece of tokens with {0} of the probability, and nothing of tokens with {1}.</source>
        <translation>확률의 {0}를 차지하는 토큰은 첫 조각만 알고, {1}를 차지하는 토큰은 전혀 알지 못합니다.</translation>
    </message>
    <message>
        <source>Starting PyTorch …</source>
        <translation>PyTorch 시작 중 …</translation>
    </message>
    <message>
        <source>Proving the models …</source>
        <translation>모델을 증명하는 중 …</translation>
    </message>
    <message>
        <source>Preparing the models for the CPU …</source>
        <translation>모델을 CPU용으로 준비하는 중 …</translation>
    </message>
    <message>
        <source>Checking the models …</source>
        <translation>모델 확인 중 …</translation>
    </message>
    <message>
        <source>Loading models: {0} of {1} MB</source>
        <translation>모델 로드 중: {0} / {1} MB</translation>
    </message>
    <message>
        <source>The models do not go together yet</source>
        <translation>모델들을 아직 함께 쓸 수 없습니다</translation>
    </message>
    <message>
        <source>The models are not loaded</source>
        <translation>모델이 로드되지 않음</translation>
    </message>
    <message>
        <source>Waiting for a request of another program …</source>
        <translation>다른 프로그램의 요청을 기다리는 중 …</translation>
    </message>
    <message>
        <source>Generating …</source>
        <translation>생성 중 …</translation>
    </message>
    <message>
        <source>Reading the prompt …</source>
        <translation>프롬프트 읽는 중 …</translation>
    </message>
    <message>
        <source>Stopped before “{0}” was read; Continue reads it</source>
        <translation>“{0}”을(를) 읽기 전에 중지했습니다. 이어 쓰면 읽습니다</translation>
    </message>
    <message>
        <source>Ended at the end-of-text token</source>
        <translation>텍스트 끝 토큰에서 끝남</translation>
    </message>
    <message>
        <source>Ended at a stop string</source>
        <translation>중지 문자열에서 끝남</translation>
    </message>
    <message>
        <source>Ended at the token limit</source>
        <translation>토큰 한도에서 끝남</translation>
    </message>
    <message>
        <source>Ended: the context is full; shorten the prompt</source>
        <translation>컨텍스트가 가득 차서 끝남: 프롬프트를 줄이세요</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>중지됨</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>준비됨</translation>
    </message>
</context>
<context>
    <name>StoredEvaluations</name>
    <message>
        <source>This evaluation cannot be opened</source>
        <translation>이 평가를 열 수 없습니다</translation>
    </message>
    <message>
        <source>Its answers are in {0}.</source>
        <translation>답변은 {0}에 있습니다.</translation>
    </message>
</context>
<context>
    <name>StructureField</name>
    <message>
        <source>off</source>
        <translation>끔</translation>
    </message>
    <message>
        <source>JSON object</source>
        <translation>JSON 객체</translation>
    </message>
    <message>
        <source>JSON schema</source>
        <translation>JSON 스키마</translation>
    </message>
    <message>
        <source>grammar</source>
        <translation>문법</translation>
    </message>
    <message>
        <source>What the text must be. Tokens that do not fit are excluded before sampling;
the probabilities that are shown are those without this.</source>
        <translation>텍스트가 갖춰야 할 형식입니다. 맞지 않는 토큰은 샘플링 전에 제외됩니다.
표시되는 확률은 이를 적용하기 전의 확률입니다.</translation>
    </message>
    <message>
        <source>Text of the structure</source>
        <translation>구조의 내용</translation>
    </message>
</context>
<context>
    <name>Summary</name>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>tuned</source>
        <translation>튜닝</translation>
    </message>
    <message>
        <source>expert {0}</source>
        <translation>전문가 {0}</translation>
    </message>
    <message>
        <source>anti-expert {0}</source>
        <translation>반전문가 {0}</translation>
    </message>
    <message>
        <source>role</source>
        <translation>역할</translation>
    </message>
    <message>
        <source>perplexity</source>
        <translation>퍼플렉시티</translation>
    </message>
    <message>
        <source>exp of the mean surprisal; the bar shows its logarithm.</source>
        <translation>평균 서프라이절의 exp입니다. 막대는 로그 값입니다.</translation>
    </message>
    <message>
        <source>bits/byte</source>
        <translation>비트/바이트</translation>
    </message>
    <message>
        <source>Comparable between models with different tokenizers.</source>
        <translation>토크나이저가 다른 모델끼리도 비교할 수 있습니다.</translation>
    </message>
    <message>
        <source>Known of {0} of {1} tokens</source>
        <translation>토큰 {1}개 중 {0}개에서만 알 수 있음</translation>
    </message>
    <message>
        <source>pair</source>
        <translation>쌍</translation>
    </message>
    <message>
        <source>mean</source>
        <translation>평균</translation>
    </message>
    <message>
        <source>Mean contribution to p(tuned) − p(base) of the chosen tokens</source>
        <translation>선택된 토큰의 p(tuned) − p(base)에 대한 평균 기여도</translation>
    </message>
    <message>
        <source>mean abs.</source>
        <translation>평균 절댓값</translation>
    </message>
    <message>
        <source>Mean of the absolute contribution</source>
        <translation>기여도 절댓값의 평균</translation>
    </message>
    <message>
        <source>together</source>
        <translation>합계</translation>
    </message>
    <message>
        <source>token</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>mean shift</source>
        <translation>평균 변화</translation>
    </message>
    <message>
        <source>Mean of p(tuned) − p(base) where the token was chosen</source>
        <translation>토큰이 선택된 곳의 p(tuned) − p(base) 평균</translation>
    </message>
    <message>
        <source>times</source>
        <translation>횟수</translation>
    </message>
    <message>
        <source>run</source>
        <translation>실행</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>flips</source>
        <translation>변경</translation>
    </message>
    <message>
        <source>Share of tokens whose most probable token changed</source>
        <translation>1순위가 바뀐 토큰의 비율</translation>
    </message>
    <message>
        <source>Perplexity under the tuned models</source>
        <translation>튜닝된 모델의 퍼플렉시티</translation>
    </message>
    <message>
        <source>Perplexity under the base</source>
        <translation>베이스의 퍼플렉시티</translation>
    </message>
    <message>
        <source>Mean contribution of {0}</source>
        <translation>{0}의 평균 기여도</translation>
    </message>
</context>
<context>
    <name>SummaryPanel</name>
    <message>
        <source>Minimum number of occurrences of a token</source>
        <translation>토큰의 최소 출현 횟수</translation>
    </message>
    <message>
        <source>{0} times or more</source>
        <translation>{0}회 이상</translation>
    </message>
    <message>
        <source>all</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>Most shifted tokens</source>
        <translation>변화량이 가장 큰 토큰</translation>
    </message>
    <message>
        <source>Runs side by side</source>
        <translation>실행 나란히 보기</translation>
    </message>
    <message>
        <source>Press Generate to see statistics of whole runs.</source>
        <translation>생성을 누르면 실행 전체의 통계를 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>실행</translation>
    </message>
    <message>
        <source>Perplexity of the run under each role</source>
        <translation>역할별 실행 퍼플렉시티</translation>
    </message>
    <message>
        <source>Mean contribution of each pair</source>
        <translation>쌍별 평균 기여도</translation>
    </message>
    <message>
        <source>Perplexity under each role</source>
        <translation>역할별 퍼플렉시티</translation>
    </message>
    <message>
        <source>Contribution of each pair</source>
        <translation>쌍별 기여도</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>나란히 보기</translation>
    </message>
    <message>
        <source>together</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>{0} tokens, {1} characters</source>
        <translation>토큰 {0}개, {1}자</translation>
    </message>
    <message>
        <source>{0} runs: {1}</source>
        <translation>실행 {0}개: {1}</translation>
    </message>
    <message>
        <source>Flips: {0} tokens ({1})</source>
        <translation>1순위가 바뀐 토큰 {0}개 ({1})</translation>
    </message>
    <message>
        <source>{0} tokens were given, not sampled; they are counted like the others</source>
        <translation>토큰 {0}개는 샘플링하지 않고 주어진 것이며 똑같이 집계됩니다</translation>
    </message>
    <message>
        <source>Contributions are approximate with more than six pairs</source>
        <translation>쌍이 여섯 개를 넘어 기여도는 근사값입니다</translation>
    </message>
    <message>
        <source>Counting: {0} tokens to go …</source>
        <translation>집계 중: 토큰 {0}개 남음 …</translation>
    </message>
</context>
<context>
    <name>SystemPrompt</name>
    <message>
        <source>System prompt</source>
        <translation>시스템 프롬프트</translation>
    </message>
    <message>
        <source>What every role is told before the conversation, from the next message on; it replaces the system prompts of the recipe</source>
        <translation>다음 메시지부터 모든 역할이 대화에 앞서 듣는 말입니다. 레시피의 시스템 프롬프트를 대신합니다</translation>
    </message>
    <message>
        <source>System</source>
        <translation>시스템</translation>
    </message>
    <message>
        <source>none</source>
        <translation>없음</translation>
    </message>
    <message>
        <source>as in the recipe</source>
        <translation>레시피대로</translation>
    </message>
    <message>
        <source>as in the recipe: {0}</source>
        <translation>레시피대로: {0}</translation>
    </message>
</context>
<context>
    <name>TaskList</name>
    <message>
        <source>Tasks</source>
        <translation>과제</translation>
    </message>
    <message>
        <source>Add a file …</source>
        <translation>파일 추가 …</translation>
    </message>
    <message>
        <source>Search the tasks of lm-evaluation-harness</source>
        <translation>lm-evaluation-harness 과제 검색</translation>
    </message>
    <message>
        <source>…</source>
        <translation>…</translation>
    </message>
    <message>
        <source>Choose the data file</source>
        <translation>데이터 파일 선택</translation>
    </message>
    <message>
        <source>Task of lm-evaluation-harness</source>
        <translation>lm-evaluation-harness의 과제</translation>
    </message>
    <message>
        <source>Shipped with Tuneshift</source>
        <translation>Tuneshift 기본 제공</translation>
    </message>
    <message>
        <source>Tasks and questions (*.toml *.jsonl *.jsonl.gz *.yaml *.yml)</source>
        <translation>과제와 문항 (*.toml *.jsonl *.jsonl.gz *.yaml *.yml)</translation>
    </message>
    <message>
        <source>Data of {0}</source>
        <translation>{0}의 데이터</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>데이터</translation>
    </message>
    <message>
        <source>Add a task (TOML) or questions (JSON Lines)</source>
        <translation>과제(TOML)나 질문(JSON Lines)을 추가합니다</translation>
    </message>
    <message>
        <source>Data file of the selected task</source>
        <translation>선택한 과제의 데이터 파일</translation>
    </message>
    <message>
        <source>Add task</source>
        <translation>과제 추가</translation>
    </message>
    <message>
        <source>required: a JSON Lines file</source>
        <translation>필수: JSON Lines 파일</translation>
    </message>
    <message>
        <source>default data of the task</source>
        <translation>과제의 기본 데이터</translation>
    </message>
    <message>
        <source>from the Hub or its cache</source>
        <translation>Hub 또는 캐시에서</translation>
    </message>
    <message>
        <source>Data of the task</source>
        <translation>과제의 데이터</translation>
    </message>
    <message>
        <source>Questions (*.jsonl *.jsonl.gz *.json)</source>
        <translation>문항 (*.jsonl *.jsonl.gz *.json)</translation>
    </message>
    <message>
        <source>Search lm-evaluation-harness</source>
        <translation>lm-evaluation-harness 검색</translation>
    </message>
    <message>
        <source>lm-evaluation-harness is not installed</source>
        <translation>lm-evaluation-harness가 설치되지 않음</translation>
    </message>
    <message>
        <source>The data of these tasks are downloaded from the Hub if needed.</source>
        <translation>이 과제들의 데이터는 필요하면 허브에서 다운로드합니다.</translation>
    </message>
    <message>
        <source>Required for its tasks. {0}</source>
        <translation>이 과제에 필요합니다. {0}</translation>
    </message>
    <message>
        <source>Its files define no task “{0}”. For a task that it generates, type {1}</source>
        <translation>과제 “{0}”을(를) 정의한 파일이 없습니다. 코드로 생성되는 과제이면 {1}을(를) 입력하십시오</translation>
    </message>
</context>
<context>
    <name>TextSearch</name>
    <message>
        <source>This regular expression takes too long on this text.</source>
        <translation>이 정규식은 이 텍스트에서 너무 오래 걸립니다.</translation>
    </message>
    <message>
        <source>Not a regular expression: {0}</source>
        <translation>올바른 정규식이 아닙니다: {0}</translation>
    </message>
</context>
<context>
    <name>ThinkingRow</name>
    <message>
        <source>Show what the model thought before its answer</source>
        <translation>모델이 답하기 전에 생각한 것을 보입니다</translation>
    </message>
    <message>
        <source>Thinking … {0} tokens</source>
        <translation>생각하는 중 … 토큰 {0}개</translation>
    </message>
    <message>
        <source>Thought for {0} tokens</source>
        <translation>토큰 {0}개 동안 생각함</translation>
    </message>
</context>
<context>
    <name>TintHint</name>
    <message>
        <source>Colour: how much more (green) or less (violet) probable the pairs made it.</source>
        <translation>색: 쌍이 토큰을 얼마나 더(초록) 또는 덜(보라) 확률 높게 만들었는지.</translation>
    </message>
    <message>
        <source>Colour: how much more (the pair&apos;s colour) or less (grey) probable {0} made it.</source>
        <translation>색: {0}이(가) 토큰을 얼마나 더(쌍의 색) 또는 덜(회색) 확률 높게 만들었는지.</translation>
    </message>
    <message>
        <source>Colour: {0}.</source>
        <translation>색: {0}.</translation>
    </message>
</context>
<context>
    <name>TintLegend</name>
    <message>
        <source>Legend of the tints</source>
        <translation>색 범례</translation>
    </message>
    <message>
        <source>flip</source>
        <translation>1순위 바뀜</translation>
    </message>
    <message>
        <source>flip: most probable token changed</source>
        <translation>1순위 토큰이 바뀜</translation>
    </message>
    <message>
        <source>beyond the scale</source>
        <translation>눈금 초과</translation>
    </message>
    <message>
        <source>different at α</source>
        <translation>α에서 다름</translation>
    </message>
    <message>
        <source>given</source>
        <translation>주어짐</translation>
    </message>
    <message>
        <source>Underlined: a flip, where the experts changed the most probable token.</source>
        <translation>밑줄: 전문가가 1순위 토큰을 바꾸었습니다.</translation>
    </message>
    <message>
        <source>Bar above: the number is beyond the darkest colour.</source>
        <translation>위쪽 막대: 값이 가장 진한 색을 넘습니다.</translation>
    </message>
    <message>
        <source>Dotted line above: another token would have been generated at the α of the what-if bar.</source>
        <translation>위 점선: 가정한 α에서는 다른 토큰이 생성되었을 것입니다.</translation>
    </message>
    <message>
        <source>Corner: the token was given, not sampled.</source>
        <translation>모서리: 샘플링하지 않고 주어진 토큰입니다.</translation>
    </message>
    <message>
        <source>{0} {1}</source>
        <translation>{0} {1}</translation>
    </message>
</context>
<context>
    <name>TintMenu</name>
    <message>
        <source>&amp;Tint</source>
        <translation>색(&amp;T)</translation>
    </message>
    <message>
        <source>Contribution of the &amp;next pair</source>
        <translation>다음 쌍의 기여도(&amp;N)</translation>
    </message>
</context>
<context>
    <name>TintScaleMenu</name>
    <message>
        <source>&amp;Scale</source>
        <translation>눈금(&amp;S)</translation>
    </message>
    <message>
        <source>In {0}</source>
        <translation>단위: {0}</translation>
    </message>
    <message>
        <source>Automatic: {0} of the tokens within the scale</source>
        <translation>자동: 토큰의 {0}가 눈금 안에</translation>
    </message>
    <message>
        <source>Other …</source>
        <translation>다른 값 …</translation>
    </message>
    <message>
        <source>Usual: up to {0} {1}</source>
        <translation>기본: 최대 {0} {1}</translation>
    </message>
    <message>
        <source>Other: {0} {1} …</source>
        <translation>다른 값: {0} {1} …</translation>
    </message>
    <message>
        <source>Scale</source>
        <translation>눈금</translation>
    </message>
    <message>
        <source>Darkest colour from ({0}):</source>
        <translation>가장 진한 색이 되는 값({0}):</translation>
    </message>
</context>
<context>
    <name>Tints</name>
    <message>
        <source>Approximate: estimated from sampled orders of the pairs.</source>
        <translation>근사값: 쌍의 순서를 샘플링해 추정한 값입니다.</translation>
    </message>
    <message>
        <source>Darkest colour from {0} bits: {1} or {2}.</source>
        <translation>{0}비트부터 가장 진한 색: {1} 또는 {2}.</translation>
    </message>
    <message>
        <source>Darkest colour from {0} {1}.</source>
        <translation>{0}{1}부터 가장 진한 색입니다.</translation>
    </message>
    <message>
        <source>A group shows the {0} of its tokens.</source>
        <translation>그룹은 토큰 값의 {0}을(를) 표시합니다.</translation>
    </message>
    <message>
        <source>Shift</source>
        <translation>변화량</translation>
    </message>
    <message>
        <source>Contribution of {0}</source>
        <translation>{0}의 기여도</translation>
    </message>
    <message>
        <source>Surprisal</source>
        <translation>서프라이절</translation>
    </message>
    <message>
        <source>Tuned surprisal</source>
        <translation>튜닝 서프라이절</translation>
    </message>
    <message>
        <source>Base surprisal</source>
        <translation>베이스 서프라이절</translation>
    </message>
    <message>
        <source>KL(tuned‖base)</source>
        <translation>KL(tuned‖base)</translation>
    </message>
    <message>
        <source>Entropy</source>
        <translation>엔트로피</translation>
    </message>
    <message>
        <source>Tuned entropy</source>
        <translation>튜닝 엔트로피</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>Rank under the base</source>
        <translation>베이스의 순위</translation>
    </message>
    <message>
        <source>Probability</source>
        <translation>확률</translation>
    </message>
    <message>
        <source>Tuned probability</source>
        <translation>튜닝 확률</translation>
    </message>
    <message>
        <source>Base probability</source>
        <translation>베이스 확률</translation>
    </message>
    <message>
        <source>Base entropy</source>
        <translation>베이스 엔트로피</translation>
    </message>
    <message>
        <source>Rank after tuning</source>
        <translation>튜닝 후 순위</translation>
    </message>
    <message>
        <source>{0} of the generated token.</source>
        <translation>생성된 토큰의 {0}입니다.</translation>
    </message>
    <message>
        <source>{0}: uncertainty of the distribution, a sum over the whole vocabulary.</source>
        <translation>{0}: 분포의 불확실성으로, 전체 어휘에 대한 합입니다.</translation>
    </message>
    <message>
        <source>Rank of the token by {0}: 1 plus the number of more probable tokens.</source>
        <translation>{0} 기준 토큰의 순위: 확률이 더 높은 토큰의 수에 1을 더한 값입니다.</translation>
    </message>
    <message>
        <source>{0}, the probability of the generated token.</source>
        <translation>{0}, 생성된 토큰의 확률입니다.</translation>
    </message>
    <message>
        <source>{0}: one bit is a factor of 2 in probability.</source>
        <translation>{0}: 1비트는 확률 2배입니다.</translation>
    </message>
    <message>
        <source>{0}: one nat is a factor of e (2.72) in probability.</source>
        <translation>{0}: 1나트는 확률 e(2.72)배입니다.</translation>
    </message>
    <message>
        <source>{0}, the change of the token&apos;s probability.</source>
        <translation>{0}, 토큰 확률의 변화입니다.</translation>
    </message>
    <message>
        <source>The pair&apos;s share (Shapley value) of {0}: in its colour where positive, grey where negative.</source>
        <translation>{0}에서 쌍의 몫(섀플리 값): 양수는 쌍의 색, 음수는 회색입니다.</translation>
    </message>
    <message>
        <source>{0}: distance of the tuned distribution from the base&apos;s, a sum over the whole vocabulary.</source>
        <translation>{0}: 튜닝 분포가 베이스 분포와 얼마나 다른지를 나타내며, 전체 어휘에 대한 합입니다.</translation>
    </message>
    <message>
        <source>sum</source>
        <translation>합</translation>
    </message>
    <message>
        <source>mean</source>
        <translation>평균</translation>
    </message>
    <message>
        <source>highest</source>
        <translation>최댓값</translation>
    </message>
    <message>
        <source>by token</source>
        <translation>토큰별</translation>
    </message>
    <message>
        <source>by word</source>
        <translation>단어별</translation>
    </message>
    <message>
        <source>by sentence</source>
        <translation>문장별</translation>
    </message>
    <message>
        <source>by line</source>
        <translation>줄별</translation>
    </message>
    <message>
        <source>{0} bits</source>
        <translation>{0}비트</translation>
    </message>
    <message>
        <source>bits</source>
        <translation>비트</translation>
    </message>
    <message>
        <source>nats</source>
        <translation>나트</translation>
    </message>
    <message>
        <source>probability</source>
        <translation>확률</translation>
    </message>
    <message>
        <source>rank</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>{0} ({1})</source>
        <translation>{0} ({1})</translation>
    </message>
    <message>
        <source>{0} in probability</source>
        <translation>확률 {0}</translation>
    </message>
    <message>
        <source>{0} {1}</source>
        <translation>{0} {1}</translation>
    </message>
    <message>
        <source>top {0}</source>
        <translation>상위 {0}</translation>
    </message>
    <message>
        <source>lower</source>
        <translation>그 아래</translation>
    </message>
</context>
<context>
    <name>TokenActions</name>
    <message>
        <source>T&amp;oken</source>
        <translation>토큰(&amp;O)</translation>
    </message>
    <message>
        <source>Copy the text</source>
        <translation>텍스트 복사</translation>
    </message>
    <message>
        <source>Copy the token id</source>
        <translation>토큰 id 복사</translation>
    </message>
    <message>
        <source>Copy all numbers as JSON</source>
        <translation>모든 수치를 JSON으로 복사</translation>
    </message>
    <message>
        <source>Next same token</source>
        <translation>다음 같은 토큰</translation>
    </message>
    <message>
        <source>Previous same token</source>
        <translation>이전 같은 토큰</translation>
    </message>
    <message>
        <source>Find the same token</source>
        <translation>같은 토큰 찾기</translation>
    </message>
    <message>
        <source>&amp;Bookmark</source>
        <translation>책갈피(&amp;B)</translation>
    </message>
    <message>
        <source>Next bookmark</source>
        <translation>다음 책갈피</translation>
    </message>
    <message>
        <source>Previous bookmark</source>
        <translation>이전 책갈피</translation>
    </message>
    <message>
        <source>&amp;Compare with</source>
        <translation>다음과 비교(&amp;C)</translation>
    </message>
    <message>
        <source>Never sample this token</source>
        <translation>이 토큰을 샘플링하지 않음</translation>
    </message>
    <message>
        <source>Gives it a logit bias of −100 in the sampling settings of the next runs</source>
        <translation>다음 실행의 샘플링 설정에서 이 토큰에 로짓 편향 −100을 줍니다</translation>
    </message>
    <message>
        <source>Copy the text of {0} tokens</source>
        <translation>토큰 {0}개의 텍스트 복사</translation>
    </message>
    <message>
        <source>{0} — {1}</source>
        <translation>{0} — {1}</translation>
    </message>
</context>
<context>
    <name>TokenCounts</name>
    <message>
        <source>1 token</source>
        <translation>토큰 1개</translation>
    </message>
    <message>
        <source>{0} tokens</source>
        <translation>토큰 {0}개</translation>
    </message>
</context>
<context>
    <name>TokenDescription</name>
    <message>
        <source>The policy of α did not need the pairs here, and they did not read this token: it was sampled from the base alone.</source>
        <translation>α 정책에 따라 여기서는 쌍이 필요하지 않아 쌍이 이 토큰을 읽지 않았습니다. 베이스만으로 샘플링한 토큰입니다.</translation>
    </message>
    <message>
        <source>Contribution of each pair, approximate</source>
        <translation>쌍별 기여도 (근사)</translation>
    </message>
    <message>
        <source>Contribution of each pair</source>
        <translation>쌍별 기여도</translation>
    </message>
    <message>
        <source>With more than six pairs, contributions are estimated from sampled orders of the pairs; their sum is exact.</source>
        <translation>쌍이 여섯 개를 넘으면 쌍의 순서를 샘플링해 기여도를 추정합니다. 합은 정확합니다.</translation>
    </message>
    <message>
        <source>token {0} · rank {1}</source>
        <translation>토큰 {0} · 순위 {1}</translation>
    </message>
    <message>
        <source>token {0} · rank about {1} (base {2})</source>
        <translation>토큰 {0} · 순위 약 {1} (베이스 {2})</translation>
    </message>
    <message>
        <source>token {0} · rank {1} (base {2})</source>
        <translation>토큰 {0} · 순위 {1} (베이스 {2})</translation>
    </message>
    <message>
        <source>{0} · given, not sampled</source>
        <translation>{0} · 샘플링하지 않고 주어짐</translation>
    </message>
    <message>
        <source>probability {0}; generated by one role alone, without pairs</source>
        <translation>확률 {0}. 쌍 없이 한 역할이 단독으로 생성</translation>
    </message>
    <message>
        <source>base {0} → tuned {1}; flip: most probable under the base is {2}</source>
        <translation>베이스 {0} → 튜닝 {1}. 1순위가 바뀜: 베이스의 1순위는 {2}</translation>
    </message>
    <message>
        <source>base {0} → tuned about {1}</source>
        <translation>베이스 {0} → 튜닝 약 {1}</translation>
    </message>
    <message>
        <source>base {0} → tuned {1}</source>
        <translation>베이스 {0} → 튜닝 {1}</translation>
    </message>
    <message>
        <source>α: {0}</source>
        <translation>α: {0}</translation>
    </message>
    <message>
        <source>Sampled with {0} after tokens without the structure were excluded</source>
        <translation>구조에 맞지 않는 토큰을 제외한 뒤 {0}의 확률로 샘플링됨</translation>
    </message>
    <message>
        <source>Pairs of another tokenizer know tokens with {0} of the base&apos;s probability exactly</source>
        <translation>다른 토크나이저의 쌍이 정확히 아는 토큰이 베이스 확률의 {0}를 차지합니다</translation>
    </message>
    <message>
        <source>{0}, of tokens with {1} the first piece, of tokens with {2} nothing</source>
        <translation>{0}. {1}에 해당하는 토큰은 첫 조각만 알고, {2}에 해당하는 토큰은 전혀 알지 못합니다</translation>
    </message>
    <message>
        <source>The server returned tokens with {0} of the base&apos;s probability</source>
        <translation>서버가 반환한 토큰의 베이스 확률: {0}</translation>
    </message>
    <message>
        <source>Entropy {0}</source>
        <translation>엔트로피 {0}</translation>
    </message>
    <message>
        <source>Entropy {0} → about {1} · KL(tuned‖base) about {2}</source>
        <translation>엔트로피 {0} → 약 {1} · KL(tuned‖base) 약 {2}</translation>
    </message>
    <message>
        <source>Entropy {0} → {1} · KL(tuned‖base) {2}</source>
        <translation>엔트로피 {0} → {1} · KL(tuned‖base) {2}</translation>
    </message>
    <message>
        <source>{0} {1} instead of {2}</source>
        <translation>{0} {1} ({2} 대신)</translation>
    </message>
</context>
<context>
    <name>TokenMenu</name>
    <message>
        <source>{0}: token {1}, id {2}</source>
        <translation>{0}: 토큰 {1}, ID {2}</translation>
    </message>
</context>
<context>
    <name>TokenModel</name>
    <message>
        <source>position</source>
        <translation>위치</translation>
    </message>
    <message>
        <source>id</source>
        <translation>id</translation>
    </message>
    <message>
        <source>token</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>probability</source>
        <translation>확률</translation>
    </message>
    <message>
        <source>bits</source>
        <translation>비트</translation>
    </message>
    <message>
        <source>rank</source>
        <translation>순위</translation>
    </message>
    <message>
        <source>most probable</source>
        <translation>1순위</translation>
    </message>
</context>
<context>
    <name>Tokens</name>
    <message>
        <source>Different tokens at the α of the what-if bar: {0}</source>
        <translation>가정한 α에서 다른 토큰: {0}개</translation>
    </message>
    <message>
        <source>base {0} → tuned {1}, rank {2} → {3}</source>
        <translation>베이스 {0} → 튜닝 {1}, 순위 {2} → {3}</translation>
    </message>
    <message>
        <source>probability {0}, rank {1}</source>
        <translation>확률 {0}, 순위 {1}</translation>
    </message>
    <message>
        <source>Flip: the experts changed the most probable token.</source>
        <translation>전문가가 1순위 토큰을 바꾸었습니다.</translation>
    </message>
    <message>
        <source>At α {0}: {1}</source>
        <translation>α {0}에서: {1}</translation>
    </message>
    <message>
        <source>Given, not sampled.</source>
        <translation>샘플링하지 않고 주어진 토큰입니다.</translation>
    </message>
    <message>
        <source>shift {0} ({1})</source>
        <translation>변화량 {0} ({1})</translation>
    </message>
    <message>
        <source>flips: {0}</source>
        <translation>1순위 변경: {0}</translation>
    </message>
    <message>
        <source>mean KL {0}</source>
        <translation>평균 KL {0}</translation>
    </message>
    <message>
        <source>tokens {0}–{1}</source>
        <translation>토큰 {0}–{1}</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}: {1}</translation>
    </message>
    <message>
        <source>{0}, {1} of {2} tokens: {3}</source>
        <translation>{0}, 토큰 {2}개의 {1}: {3}</translation>
    </message>
</context>
<context>
    <name>TokensView</name>
    <message>
        <source>Role whose answers are counted</source>
        <translation>답변을 집계할 역할</translation>
    </message>
    <message>
        <source>Shift by class of token</source>
        <translation>토큰 부류별 변화량</translation>
    </message>
    <message>
        <source>The shifts of generated tuned answers appear here by class of token. Tasks that score given texts and tasks of lm-evaluation-harness are not counted.</source>
        <translation>생성된 튜닝 답변의 변화량을 토큰 부류별로 보여 줍니다. 주어진 텍스트의 점수를 매기는 과제와 lm-evaluation-harness의 과제는 집계하지 않습니다.</translation>
    </message>
    <message>
        <source>{0} answers. The mean shift is the mean of p(tuned) − p(base) over the generated tokens, before temperature and other sampling settings.</source>
        <translation>답변 {0}개. 평균 변화량은 생성된 토큰의 p(tuned) − p(base) 평균이며, 온도 등 샘플링 설정을 적용하기 전의 값입니다.</translation>
    </message>
    <message>
        <source>{0}: {1}</source>
        <translation>{0}: {1}</translation>
    </message>
</context>
<context>
    <name>Tour</name>
    <message>
        <source>Tour, 1 of 4. 180 passages of Dickens, which ship with Tuneshift, are read …</source>
        <translation>둘러보기 1/4. Tuneshift에 포함된 디킨스의 글 180편을 읽는 중 …</translation>
    </message>
    <message>
        <source>Tour, 1 of 4. On the right is what the small model will read: it learns the tinted tokens. Some documents are held out to judge it. Press “Make the expert”: it takes one to three minutes.</source>
        <translation>둘러보기 1/4. 오른쪽은 작은 모델이 읽을 내용이며, 색칠된 토큰을 학습합니다. 일부 문서는 판정을 위해 남겨 둡니다. “전문가 만들기”를 누르십시오. 1~3분 걸립니다.</translation>
    </message>
    <message>
        <source>Tour, 4 of 4. The verdict: how much the pair improves the base on texts that nothing has seen, at five α. “Use in a new recipe” opens the pair. Then give a folder of your own texts.</source>
        <translation>둘러보기 4/4. 판정: 아무도 보지 않은 글에서 이 쌍이 베이스를 얼마나 개선하는지를 다섯 α에서 보여 줍니다. “새 레시피에서 사용”을 누르면 이 쌍이 열립니다. 다음에는 직접 쓴 글의 폴더로 해 보십시오.</translation>
    </message>
    <message>
        <source>Tour, 3 of 4. The base, the small model with its adapter, and both together now read the held-out passages. One half chooses α, the other judges.</source>
        <translation>둘러보기 3/4. 이제 베이스, 어댑터를 붙인 작은 모델, 그리고 둘을 합친 것이 검증용 글을 읽습니다. 절반은 α를 고르고 나머지 절반은 판정합니다.</translation>
    </message>
    <message>
        <source>The tour was interrupted. “Go on” continues it.</source>
        <translation>둘러보기가 중단되었습니다. “계속”을 누르면 이어집니다.</translation>
    </message>
    <message>
        <source>Tour, 2 of 4. The line with points is the loss on held-out texts: while it falls, the small model learns what also holds for texts that it does not read. You may close this window meanwhile.</source>
        <translation>둘러보기 2/4. 점이 있는 선은 검증용 글의 손실입니다. 이 선이 내려가는 동안 작은 모델은 읽지 않은 글에도 통하는 것을 배웁니다. 그동안 이 창을 닫아도 됩니다.</translation>
    </message>
</context>
<context>
    <name>TrainDialog</name>
    <message>
        <source>Make an expert</source>
        <translation>전문가 만들기</translation>
    </message>
    <message>
        <source>Progress of the training</source>
        <translation>학습 진행률</translation>
    </message>
    <message>
        <source>Make the e&amp;xpert</source>
        <translation>전문가 만들기(&amp;X)</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>일시 정지(&amp;P)</translation>
    </message>
    <message>
        <source>Wait after this step; the memory stays taken</source>
        <translation>이 단계가 끝나면 기다립니다. 메모리는 그대로 차지합니다</translation>
    </message>
    <message>
        <source>&amp;Go on</source>
        <translation>계속(&amp;G)</translation>
    </message>
    <message>
        <source>S&amp;top, keep the best</source>
        <translation>멈추고 최선의 것 유지(&amp;T)</translation>
    </message>
    <message>
        <source>End the training now, and judge the weights with the lowest held-out loss</source>
        <translation>학습을 지금 끝내고 검증 손실이 가장 낮은 가중치를 판정합니다</translation>
    </message>
    <message>
        <source>&amp;Cancel</source>
        <translation>취소(&amp;C)</translation>
    </message>
    <message>
        <source>End now without a verdict; it can go on another time</source>
        <translation>판정 없이 지금 끝냅니다. 나중에 계속할 수 있습니다</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>데이터</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>학습</translation>
    </message>
    <message>
        <source>Verdict</source>
        <translation>판정</translation>
    </message>
    <message>
        <source>Past</source>
        <translation>지난 학습</translation>
    </message>
    <message>
        <source>Reading the data …</source>
        <translation>데이터를 읽는 중 …</translation>
    </message>
    <message>
        <source>Give some of your own texts: a folder with .txt or .md files, JSON lines or a table with “text”, with “prompt” and “answer”, or with “messages”. A small model learns them on this machine, and is then judged on texts that it has not seen. Nothing leaves the machine.</source>
        <translation>직접 쓴 글을 주십시오: .txt나 .md 파일이 있는 폴더, 또는 “text”, “prompt”와 “answer”, “messages”가 있는 JSON 줄이나 표. 작은 모델이 이 컴퓨터에서 그 글을 학습하고, 보지 않은 글로 판정받습니다. 아무것도 이 컴퓨터를 떠나지 않습니다.</translation>
    </message>
    <message>
        <source>No training yet</source>
        <translation>아직 학습이 없습니다</translation>
    </message>
    <message>
        <source>Starting …</source>
        <translation>시작하는 중 …</translation>
    </message>
</context>
<context>
    <name>TrainForm</name>
    <message>
        <source>folder or file with your texts</source>
        <translation>글이 있는 폴더나 파일</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>데이터</translation>
    </message>
    <message>
        <source>&amp;File …</source>
        <translation>파일(&amp;F) …</translation>
    </message>
    <message>
        <source>F&amp;older …</source>
        <translation>폴더(&amp;O) …</translation>
    </message>
    <message>
        <source>&amp;Steer away from these texts</source>
        <translation>이 글에서 멀어지게 하기(&amp;S)</translation>
    </message>
    <message>
        <source>The trained model becomes the anti-expert: such texts get less probable.</source>
        <translation>학습된 모델이 반전문가가 되어 이런 글의 확률이 낮아집니다.</translation>
    </message>
    <message>
        <source>&amp;Look in a folder …</source>
        <translation>폴더에서 찾기(&amp;L) …</translation>
    </message>
    <message>
        <source>as the data</source>
        <translation>데이터와 같음</translation>
    </message>
    <message>
        <source>auto</source>
        <translation>자동</translation>
    </message>
    <message>
        <source>More settings</source>
        <translation>추가 설정</translation>
    </message>
    <message>
        <source>1. Data</source>
        <translation>1. 데이터</translation>
    </message>
    <message>
        <source>2. Models</source>
        <translation>2. 모델</translation>
    </message>
    <message>
        <source>&amp;Base, which the expert tunes</source>
        <translation>베이스(&amp;B): 전문가가 튜닝할 모델</translation>
    </message>
    <message>
        <source>S&amp;mall model, which is trained</source>
        <translation>작은 모델(&amp;M): 학습할 모델</translation>
    </message>
    <message>
        <source>3. Settings</source>
        <translation>3. 설정</translation>
    </message>
    <message>
        <source>&amp;Name</source>
        <translation>이름(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Epochs</source>
        <translation>에포크(&amp;E)</translation>
    </message>
    <message>
        <source>Choose a folder or a file with your texts, or drop it here.</source>
        <translation>글이 있는 폴더나 파일을 선택하거나 여기에 끌어다 놓으십시오.</translation>
    </message>
    <message>
        <source>Choose a base and a small model: look in the folder that holds them.</source>
        <translation>베이스와 작은 모델을 선택하십시오. 모델이 있는 폴더에서 찾을 수 있습니다.</translation>
    </message>
    <message>
        <source>What is compared is no regular expression: {0}</source>
        <translation>비교할 부분이 올바른 정규식이 아닙니다: {0}</translation>
    </message>
    <message>
        <source>Texts, JSON lines and tables ({0})</source>
        <translation>글, JSON 줄, 표 ({0})</translation>
    </message>
    <message>
        <source>Choose a file with your texts</source>
        <translation>글이 있는 파일 선택</translation>
    </message>
    <message>
        <source>Choose the folder with your texts</source>
        <translation>글이 있는 폴더 선택</translation>
    </message>
    <message>
        <source>Choose a folder with models</source>
        <translation>모델이 있는 폴더 선택</translation>
    </message>
</context>
<context>
    <name>TrainIndicator</name>
    <message>
        <source>An expert is being made. Click to see its course.</source>
        <translation>전문가를 만들고 있습니다. 클릭하면 경과를 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>Training: starting …</source>
        <translation>학습: 시작하는 중 …</translation>
    </message>
    <message>
        <source>Training: paused</source>
        <translation>학습: 일시 정지됨</translation>
    </message>
    <message>
        <source>Judging: {0}</source>
        <translation>판정 중: {0}</translation>
    </message>
    <message>
        <source>Training: {0}</source>
        <translation>학습 중: {0}</translation>
    </message>
    <message>
        <source>Training: {0}, {1} left</source>
        <translation>학습 중: {0}, {1} 남음</translation>
    </message>
</context>
<context>
    <name>Training</name>
    <message>
        <source>Ended with a verdict. Everything is in {0}</source>
        <translation>판정이 나왔습니다. 모든 것이 {0}에 있습니다</translation>
    </message>
    <message>
        <source>Interrupted. It can go on where it was.</source>
        <translation>중단되었습니다. 멈춘 곳에서 계속할 수 있습니다.</translation>
    </message>
    <message>
        <source>Reading the small model …</source>
        <translation>작은 모델을 읽는 중 …</translation>
    </message>
    <message>
        <source>Loading the small model …</source>
        <translation>작은 모델을 불러오는 중 …</translation>
    </message>
    <message>
        <source>Measuring the held-out loss before training …</source>
        <translation>학습 전 검증 손실을 재는 중 …</translation>
    </message>
    <message>
        <source>Loading the models to judge the expert …</source>
        <translation>전문가를 판정할 모델을 불러오는 중 …</translation>
    </message>
    <message>
        <source>Starting the process …</source>
        <translation>프로세스를 시작하는 중 …</translation>
    </message>
    <message>
        <source>{0} steps of {1} examples, at most {2} tokens each; learning rate {3}, rank {4}</source>
        <translation>예제 {1}개씩 {0}단계, 예제당 최대 {2}토큰, 학습률 {3}, 랭크 {4}</translation>
    </message>
    <message>
        <source>About {0} of memory, {1} are free</source>
        <translation>메모리 약 {0} 필요, {1} 사용 가능</translation>
    </message>
    <message>
        <source>About {0} of memory are needed, and only {1} are free: choose a smaller model, fewer tokens or NF4</source>
        <translation>메모리가 약 {0} 필요하지만 {1}만 비어 있습니다. 더 작은 모델, 더 적은 토큰 수, NF4 중에서 고르십시오</translation>
    </message>
    <message>
        <source>To judge the expert, base and pair need {0}, and {1} are free on {2}: choose a smaller base or NF4</source>
        <translation>전문가를 판정하려면 베이스와 쌍에 {0}이(가) 필요하지만 {2}에 {1}만 비어 있습니다. 더 작은 베이스나 NF4를 선택하십시오</translation>
    </message>
    <message>
        <source>There are few documents ({0}): the verdict will be uncertain.</source>
        <translation>문서가 적어({0}개) 판정이 불확실합니다.</translation>
    </message>
    <message>
        <source>There are few files, so their texts are cut into sections: the held-out ones come from the same files as the others.</source>
        <translation>파일이 적어 글을 여러 부분으로 나누었습니다. 검증용 부분도 나머지와 같은 파일에서 나옵니다.</translation>
    </message>
    <message>
        <source>{0} of {1} examples are too long and are cut.</source>
        <translation>예제 {1}개 중 {0}개가 너무 길어 잘립니다.</translation>
    </message>
    <message>
        <source>{0} near-duplicates of held-out documents were left out.</source>
        <translation>검증용 문서와 거의 같은 문서 {0}개를 제외했습니다.</translation>
    </message>
    <message>
        <source>{2} holds {3}: a model may repeat it.</source>
        <translation>{2}에 있는 {3}: 모델이 그대로 내놓을 수 있습니다.</translation>
    </message>
    <message>
        <source>{2} holds {3}, as do {0} documents in all: a model may repeat it.</source>
        <translation>{2} 등 문서 {0}개에 있는 {3}: 모델이 그대로 내놓을 수 있습니다.</translation>
    </message>
    <message>
        <source>Examples are cut at {0} tokens, the context of the small model.</source>
        <translation>예제는 작은 모델의 문맥 길이인 {0}토큰에서 잘립니다.</translation>
    </message>
    <message>
        <source>The regular expression for answers finds nothing in {0} expected ones, which count as wrong.</source>
        <translation>답의 정규식이 기대 답 {0}개에서 아무것도 찾지 못하며, 이 답은 틀린 것으로 셉니다.</translation>
    </message>
    <message>
        <source>a private key</source>
        <translation>개인 키</translation>
    </message>
    <message>
        <source>an AWS access key</source>
        <translation>AWS 액세스 키</translation>
    </message>
    <message>
        <source>a GitHub token</source>
        <translation>GitHub 토큰</translation>
    </message>
    <message>
        <source>a GitLab token</source>
        <translation>GitLab 토큰</translation>
    </message>
    <message>
        <source>a Hugging Face token</source>
        <translation>Hugging Face 토큰</translation>
    </message>
    <message>
        <source>a Slack token</source>
        <translation>Slack 토큰</translation>
    </message>
    <message>
        <source>a Google API key</source>
        <translation>Google API 키</translation>
    </message>
    <message>
        <source>an API key</source>
        <translation>API 키</translation>
    </message>
    <message>
        <source>a JSON web token</source>
        <translation>JSON 웹 토큰</translation>
    </message>
    <message>
        <source>a password in an address</source>
        <translation>주소에 든 비밀번호</translation>
    </message>
    <message>
        <source>a password</source>
        <translation>비밀번호</translation>
    </message>
    <message>
        <source>{0} left</source>
        <translation>{0} 남음</translation>
    </message>
    <message>
        <source>Step {0} of {1}</source>
        <translation>{1}단계 중 {0}단계</translation>
    </message>
    <message>
        <source>loss {0}</source>
        <translation>손실 {0}</translation>
    </message>
    <message>
        <source>held out {0}</source>
        <translation>검증 {0}</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>일시 정지됨</translation>
    </message>
    <message>
        <source>pausing after this step …</source>
        <translation>이 단계 뒤에 일시 정지합니다 …</translation>
    </message>
    <message>
        <source>stopping after this step …</source>
        <translation>이 단계 뒤에 멈춥니다 …</translation>
    </message>
    <message>
        <source>ending …</source>
        <translation>끝내는 중 …</translation>
    </message>
    <message>
        <source>Judging: {0} of {1} answers</source>
        <translation>판정 중: 답 {1}개 중 {0}개</translation>
    </message>
</context>
<context>
    <name>TrainingBar</name>
    <message>
        <source>Training</source>
        <translation>학습</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>계속</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>보기</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>The expert “{0}” is made. {1}.</source>
        <translation>전문가 “{0}” 완성. {1}.</translation>
    </message>
    <message>
        <source>The training of “{0}” failed: {1}</source>
        <translation>“{0}” 학습 실패: {1}</translation>
    </message>
    <message>
        <source>The training of “{0}” was interrupted.</source>
        <translation>“{0}” 학습이 중단되었습니다.</translation>
    </message>
</context>
<context>
    <name>Trainings</name>
    <message>
        <source>Another program is training in this folder</source>
        <translation>다른 프로그램이 이 폴더에서 학습하고 있습니다</translation>
    </message>
    <message>
        <source>Wait until that training has ended, or end it there.</source>
        <translation>그 학습이 끝날 때까지 기다리거나 그 프로그램에서 끝내십시오.</translation>
    </message>
</context>
<context>
    <name>TranscriptFooter</name>
    <message>
        <source>Tint</source>
        <translation>색</translation>
    </message>
    <message>
        <source>Group</source>
        <translation>그룹</translation>
    </message>
    <message>
        <source>reading the prompt …</source>
        <translation>프롬프트 읽는 중 …</translation>
    </message>
    <message>
        <source>waiting for the models …</source>
        <translation>모델 대기 중 …</translation>
    </message>
    <message>
        <source>The models generated the end-of-text token at once.</source>
        <translation>모델이 바로 텍스트 끝 토큰을 생성했습니다.</translation>
    </message>
    <message>
        <source>end of text</source>
        <translation>텍스트 끝</translation>
    </message>
    <message>
        <source>stop string</source>
        <translation>중지 문자열</translation>
    </message>
    <message>
        <source>token limit</source>
        <translation>토큰 한도</translation>
    </message>
    <message>
        <source>context full: shorten the prompt to go on</source>
        <translation>컨텍스트가 가득 참: 계속하려면 프롬프트를 줄이세요</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>중지됨</translation>
    </message>
</context>
<context>
    <name>TranscriptView</name>
    <message>
        <source>Generated text</source>
        <translation>생성된 텍스트</translation>
    </message>
</context>
<context>
    <name>TurnView</name>
    <message>
        <source>Your message</source>
        <translation>내 메시지</translation>
    </message>
    <message>
        <source>Previous answer here</source>
        <translation>이 자리의 이전 답변</translation>
    </message>
    <message>
        <source>Next answer here</source>
        <translation>이 자리의 다음 답변</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>복사</translation>
    </message>
    <message>
        <source>Copy the text of the answer</source>
        <translation>답변의 텍스트를 복사합니다</translation>
    </message>
    <message>
        <source>Regenerate</source>
        <translation>다시 생성</translation>
    </message>
    <message>
        <source>Answer again, with a new seed</source>
        <translation>새 시드로 다시 답합니다</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>이어 쓰기</translation>
    </message>
    <message>
        <source>Continue the answer where it ended</source>
        <translation>답변을 끝난 곳에서 이어 씁니다</translation>
    </message>
    <message>
        <source>Edit message</source>
        <translation>메시지 고치기</translation>
    </message>
    <message>
        <source>Ask something else in its place</source>
        <translation>그 자리에서 다른 것을 묻습니다</translation>
    </message>
    <message>
        <source>More</source>
        <translation>더 보기</translation>
    </message>
    <message>
        <source>Edit answer</source>
        <translation>답변 고치기</translation>
    </message>
    <message>
        <source>Delete from here</source>
        <translation>여기부터 지우기</translation>
    </message>
    <message>
        <source>{0} of {1}</source>
        <translation>{0} / {1}</translation>
    </message>
    <message>
        <source>writing …</source>
        <translation>쓰는 중 …</translation>
    </message>
    <message>
        <source>Enter sends it and has it answered anew, Esc changes nothing.</source>
        <translation>Enter를 누르면 보내고 새로 답변을 받습니다. Esc를 누르면 바뀌지 않습니다.</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>답변</translation>
    </message>
    <message>
        <source>Enter takes it over, Esc changes nothing.</source>
        <translation>Enter를 누르면 적용합니다. Esc를 누르면 바뀌지 않습니다.</translation>
    </message>
</context>
<context>
    <name>Unfinished</name>
    <message>
        <source>{0} does not share a vocabulary with the pairs. Choose experts and anti-experts for {0}.</source>
        <translation>{0}의 어휘가 쌍들의 어휘와 다릅니다. {0}에 맞는 전문가와 반전문가를 고르세요.</translation>
    </message>
    <message>
        <source>{0} and {1} do not share a vocabulary. Choose {2} for {1}.</source>
        <translation>{0}와(과) {1}의 어휘가 다릅니다. {1}에 맞는 {2}을(를) 고르세요.</translation>
    </message>
    <message>
        <source>These models do not share a vocabulary. Choose {1} for {0}.</source>
        <translation>이 모델들은 어휘가 서로 다릅니다. {0}에 맞는 {1}을(를) 고르세요.</translation>
    </message>
    <message>
        <source>{0} has another tokenizer than {1} and reads the text by its bytes: {2}.</source>
        <translation>{0}의 토크나이저가 {1}의 토크나이저와 달라 글을 바이트로 읽습니다: {2}.</translation>
    </message>
    <message>
        <source>a base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>an expert</source>
        <translation>전문가</translation>
    </message>
    <message>
        <source>an anti-expert</source>
        <translation>반전문가</translation>
    </message>
    <message>
        <source>, </source>
        <translation>, </translation>
    </message>
    <message>
        <source>{0} and {1}</source>
        <translation>{0} 및 {1}</translation>
    </message>
    <message>
        <source>base {0}</source>
        <translation>베이스 {0}</translation>
    </message>
    <message>
        <source>expert {0}</source>
        <translation>전문가 {0}</translation>
    </message>
    <message>
        <source>anti-expert {0}</source>
        <translation>반전문가 {0}</translation>
    </message>
</context>
<context>
    <name>UnfinishedBar</name>
    <message>
        <source>The recipe is not complete yet</source>
        <translation>레시피가 아직 완성되지 않았습니다</translation>
    </message>
    <message>
        <source>Keep this pair</source>
        <translation>이 쌍 유지</translation>
    </message>
    <message>
        <source>Back to {0}, which is still loaded</source>
        <translation>아직 로드되어 있는 {0}(으)로 돌아가기</translation>
    </message>
    <message>
        <source>Remove the pair “{0}”</source>
        <translation>“{0}” 쌍 제거</translation>
    </message>
    <message>
        <source>Looking for models on this disk that go with it …</source>
        <translation>이 디스크에서 함께 쓸 수 있는 모델을 찾는 중 …</translation>
    </message>
    <message>
        <source>With the same tokenizer, on this disk:</source>
        <translation>이 디스크에서 토크나이저가 같은 모델:</translation>
    </message>
    <message>
        <source>On this disk:</source>
        <translation>이 디스크에 있는 모델:</translation>
    </message>
    <message>
        <source>No model on this disk has the same tokenizer.</source>
        <translation>이 디스크에 토크나이저가 같은 모델이 없습니다.</translation>
    </message>
    <message>
        <source>No model on this disk goes with it.</source>
        <translation>이 디스크에 함께 쓸 수 있는 모델이 없습니다.</translation>
    </message>
</context>
<context>
    <name>VariantsDialog</name>
    <message>
        <source>Variants</source>
        <translation>변형</translation>
    </message>
    <message>
        <source>Number of variants</source>
        <translation>변형 개수</translation>
    </message>
    <message>
        <source>Generate</source>
        <translation>생성</translation>
    </message>
    <message>
        <source>Generate variants of the prompt, each with a new seed</source>
        <translation>프롬프트의 변형을 각각 새 시드로 생성합니다</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Seed {0}</source>
        <translation>시드 {0}</translation>
    </message>
    <message>
        <source>{0} of {1}</source>
        <translation>{0} / {1}</translation>
    </message>
    <message>
        <source>Write a message first.</source>
        <translation>먼저 메시지를 쓰세요.</translation>
    </message>
</context>
<context>
    <name>Verdict</name>
    <message>
        <source>It helps</source>
        <translation>도움이 됩니다</translation>
    </message>
    <message>
        <source>The small model alone is better</source>
        <translation>작은 모델만 쓰는 편이 낫습니다</translation>
    </message>
    <message>
        <source>It does not help</source>
        <translation>도움이 되지 않습니다</translation>
    </message>
    <message>
        <source>It steers away</source>
        <translation>그런 글에서 멀어집니다</translation>
    </message>
    <message>
        <source>It helps: the tuned model is better than the base by {0}, at α = {1} on {2} held-out documents.</source>
        <translation>도움이 됩니다. 튜닝된 모델이 베이스보다 {0} 낫습니다 (α = {1}, 검증용 문서 {2}개).</translation>
    </message>
    <message>
        <source>It may have learned their form only</source>
        <translation>형식만 배웠을 수 있습니다</translation>
    </message>
    <message>
        <source>It is not shown to help with what answers say: the gain is {0}, at α = {1} on {2} held-out documents, but no difference to other prompts was found. It may have learned their form only.</source>
        <translation>답의 내용에 도움이 된다는 것은 확인되지 않았습니다. 이득은 {0}이지만(α = {1}, 검증용 문서 {2}개) 다른 프롬프트와의 차이가 발견되지 않았습니다. 형식만 배웠을 수 있습니다.</translation>
    </message>
    <message>
        <source>The small model alone is better than the tuned model by {0}, at α = {1} on {2} held-out documents.</source>
        <translation>작은 모델만 쓸 때가 튜닝된 모델보다 {0} 낫습니다 (α = {1}, 검증용 문서 {2}개).</translation>
    </message>
    <message>
        <source>It steers away: such texts have become less probable by {0}, at α = {1} on {2} held-out documents.</source>
        <translation>그런 글에서 멀어집니다. 그런 글의 확률이 {0} 낮아졌습니다 (α = {1}, 검증용 문서 {2}개).</translation>
    </message>
    <message>
        <source>It does not help: the difference to the base is {0}, at α = {1} on {2} held-out documents.</source>
        <translation>도움이 되지 않습니다. 베이스와의 차이는 {0}입니다 (α = {1}, 검증용 문서 {2}개).</translation>
    </message>
    <message>
        <source>Use the recipe with α = {0}.</source>
        <translation>α = {0}(으)로 레시피를 사용하십시오.</translation>
    </message>
    <message>
        <source>If their form is what you want, use it. Otherwise check that each answer belongs to its prompt, and add examples.</source>
        <translation>형식이 목적이라면 그대로 쓰십시오. 아니라면 답마다 프롬프트와 맞는지 확인하고 예제를 늘리십시오.</translation>
    </message>
    <message>
        <source>Use the small model with its adapter alone, or try a larger base.</source>
        <translation>어댑터를 붙인 작은 모델만 쓰거나 더 큰 베이스를 시도하십시오.</translation>
    </message>
    <message>
        <source>Evaluate on texts that you want to keep: a large α harms them, too.</source>
        <translation>유지하고 싶은 글로 평가해 보십시오. α가 크면 그런 글도 나빠집니다.</translation>
    </message>
    <message>
        <source>Add more documents of the same kind, look at the preview for what is trained on, or train a larger small model.</source>
        <translation>같은 종류의 문서를 늘리거나, 미리 보기에서 무엇을 학습하는지 확인하거나, 더 큰 작은 모델을 학습하십시오.</translation>
    </message>
    <message>
        <source>Where answers follow other prompts, the gain is smaller by {0}.</source>
        <translation>답이 다른 프롬프트 뒤에 올 때 이득은 {0} 줄어듭니다.</translation>
    </message>
    <message>
        <source>Training made the small model worse: its held-out loss was {0} before, and at best {1} after step {2}. A smaller learning rate may help.</source>
        <translation>학습으로 작은 모델이 나빠졌습니다. 검증 손실이 학습 전 {0}, 가장 낮을 때 {1}({2}단계 후)입니다. 학습률을 낮추면 나아질 수 있습니다.</translation>
    </message>
    <message>
        <source>exact match</source>
        <translation>정확히 일치</translation>
    </message>
    <message>
        <source>bits per byte</source>
        <translation>바이트당 비트</translation>
    </message>
    <message>
        <source>{0} points of exact match (95%: {1} to {2})</source>
        <translation>정확히 일치 {0}%p (95%: {1} ~ {2})</translation>
    </message>
    <message>
        <source>{0} bits per byte (95%: {1} to {2})</source>
        <translation>바이트당 {0}비트 (95%: {1} ~ {2})</translation>
    </message>
    <message>
        <source>{0} ({1} to {2})</source>
        <translation>{0} ({1} ~ {2})</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>small model with its adapter</source>
        <translation>어댑터를 붙인 작은 모델</translation>
    </message>
    <message>
        <source>tuned, α = {0}</source>
        <translation>튜닝, α = {0}</translation>
    </message>
</context>
<context>
    <name>VerdictView</name>
    <message>
        <source>Gain over the base on the held-out documents that judge, with 95% intervals; the large point is the α that the other half chose. Above the dashed line is better.</source>
        <translation>판정용 검증 문서에서 베이스 대비 이득과 95% 구간입니다. 큰 점은 나머지 절반이 고른 α입니다. 파선보다 위가 더 좋습니다.</translation>
    </message>
    <message>
        <source>measure</source>
        <translation>척도</translation>
    </message>
    <message>
        <source>chooses α</source>
        <translation>α 선택</translation>
    </message>
    <message>
        <source>Score on the half that chooses α</source>
        <translation>α를 고르는 절반에서의 점수</translation>
    </message>
    <message>
        <source>judges</source>
        <translation>판정</translation>
    </message>
    <message>
        <source>Score on the half that judges</source>
        <translation>판정하는 절반에서의 점수</translation>
    </message>
    <message>
        <source>gain over the base</source>
        <translation>베이스 대비 이득</translation>
    </message>
    <message>
        <source>With its 95% interval</source>
        <translation>95% 구간 포함</translation>
    </message>
    <message>
        <source>Scores of the held-out documents</source>
        <translation>검증용 문서의 점수</translation>
    </message>
    <message>
        <source>&amp;Use in a new recipe</source>
        <translation>새 레시피에서 사용(&amp;U)</translation>
    </message>
    <message>
        <source>Sho&amp;w in folder</source>
        <translation>폴더에서 보기(&amp;W)</translation>
    </message>
    <message>
        <source>Whether the expert helps is judged here, on documents that it has not seen. The answer may be no.</source>
        <translation>전문가가 도움이 되는지를 보지 않은 문서로 여기서 판정합니다. 답은 ‘아니요’일 수 있습니다.</translation>
    </message>
    <message>
        <source>The recipe cannot be changed during a run. Press Esc to stop the run.</source>
        <translation>실행 중에는 레시피를 바꿀 수 없습니다. Esc를 눌러 실행을 멈추십시오.</translation>
    </message>
</context>
<context>
    <name>ViewKeys</name>
    <message>
        <source>Tokens in the text</source>
        <translation>텍스트의 토큰</translation>
    </message>
    <message>
        <source>Plot</source>
        <translation>플롯</translation>
    </message>
    <message>
        <source>Find bar</source>
        <translation>찾기 막대</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>메시지</translation>
    </message>
    <message>
        <source>What if α were …</source>
        <translation>α가 달랐다면 …</translation>
    </message>
    <message>
        <source>Alternatives of a token</source>
        <translation>토큰의 다른 후보</translation>
    </message>
    <message>
        <source>α curve</source>
        <translation>α 곡선</translation>
    </message>
    <message>
        <source>Tables</source>
        <translation>표</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>실행</translation>
    </message>
    <message>
        <source>Map of α</source>
        <translation>α 지도</translation>
    </message>
    <message>
        <source>Compare runs</source>
        <translation>실행 비교</translation>
    </message>
    <message>
        <source>Compare all roles</source>
        <translation>모든 역할 비교</translation>
    </message>
    <message>
        <source>Compare quantizations</source>
        <translation>양자화 비교</translation>
    </message>
    <message>
        <source>Many prompts</source>
        <translation>여러 프롬프트</translation>
    </message>
    <message>
        <source>Score a text</source>
        <translation>텍스트 스코어링</translation>
    </message>
    <message>
        <source>Prompt preview</source>
        <translation>프롬프트 미리 보기</translation>
    </message>
    <message>
        <source>What corresponds to what</source>
        <translation>토큰 대응</translation>
    </message>
    <message>
        <source>History</source>
        <translation>기록</translation>
    </message>
    <message>
        <source>Evaluate</source>
        <translation>평가</translation>
    </message>
    <message>
        <source>Recipes</source>
        <translation>레시피</translation>
    </message>
    <message>
        <source>Hugging Face Hub</source>
        <translation>Hugging Face Hub</translation>
    </message>
    <message>
        <source>Token before or after</source>
        <translation>이전 또는 다음 토큰</translation>
    </message>
    <message>
        <source>Token on the line above or below</source>
        <translation>위 또는 아래 줄의 토큰</translation>
    </message>
    <message>
        <source>First or last token</source>
        <translation>처음 또는 마지막 토큰</translation>
    </message>
    <message>
        <source>Extend the range by a token</source>
        <translation>범위를 토큰 하나씩 늘리기</translation>
    </message>
    <message>
        <source>Extend the range by a line</source>
        <translation>범위를 한 줄씩 늘리기</translation>
    </message>
    <message>
        <source>Extend the range to the end</source>
        <translation>범위를 끝까지 늘리기</translation>
    </message>
    <message>
        <source>Copy the selected text</source>
        <translation>선택한 텍스트 복사</translation>
    </message>
    <message>
        <source>Menu of the token</source>
        <translation>토큰 메뉴</translation>
    </message>
    <message>
        <source>Select nothing</source>
        <translation>선택 해제</translation>
    </message>
    <message>
        <source>Next match</source>
        <translation>다음 일치 항목</translation>
    </message>
    <message>
        <source>Previous match</source>
        <translation>이전 일치 항목</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>보내기</translation>
    </message>
    <message>
        <source>Begin a line</source>
        <translation>줄 바꾸기</translation>
    </message>
    <message>
        <source>Stop editing a message</source>
        <translation>메시지 편집 그만두기</translation>
    </message>
    <message>
        <source>Generate from the first different token</source>
        <translation>첫 번째 다른 토큰부터 생성</translation>
    </message>
    <message>
        <source>Candidate above or below</source>
        <translation>위 또는 아래 후보</translation>
    </message>
    <message>
        <source>A page of candidates</source>
        <translation>후보를 한 쪽씩</translation>
    </message>
    <message>
        <source>Branch from there</source>
        <translation>거기서 분기</translation>
    </message>
    <message>
        <source>Move the marker of α</source>
        <translation>α 표시 옮기기</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>복사</translation>
    </message>
    <message>
        <source>What a double click does</source>
        <translation>두 번 클릭한 것처럼</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>이름 바꾸기</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>비교</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>제거</translation>
    </message>
    <message>
        <source>Higher or lower α</source>
        <translation>더 높은 또는 낮은 α</translation>
    </message>
    <message>
        <source>α by ten values</source>
        <translation>α를 열 값씩</translation>
    </message>
    <message>
        <source>What if α were this</source>
        <translation>α가 이 값이었다면</translation>
    </message>
    <message>
        <source>Next change</source>
        <translation>다음 차이</translation>
    </message>
    <message>
        <source>Previous change</source>
        <translation>이전 차이</translation>
    </message>
    <message>
        <source>First or last token, in the strip</source>
        <translation>처음 또는 마지막 토큰(막대에서)</translation>
    </message>
    <message>
        <source>Generate</source>
        <translation>생성</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>Score and compare</source>
        <translation>평가하고 비교</translation>
    </message>
    <message>
        <source>Paste lines</source>
        <translation>줄 붙여넣기</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>스코어링</translation>
    </message>
    <message>
        <source>Copy the text</source>
        <translation>텍스트 복사</translation>
    </message>
    <message>
        <source>Copy all numbers as JSON</source>
        <translation>모든 수치를 JSON으로 복사</translation>
    </message>
    <message>
        <source>Next same token</source>
        <translation>다음 같은 토큰</translation>
    </message>
    <message>
        <source>Previous same token</source>
        <translation>이전 같은 토큰</translation>
    </message>
    <message>
        <source>Next difference</source>
        <translation>다음 차이</translation>
    </message>
    <message>
        <source>Previous difference</source>
        <translation>이전 차이</translation>
    </message>
    <message>
        <source>Star</source>
        <translation>별표</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>삭제</translation>
    </message>
    <message>
        <source>Undo delete</source>
        <translation>삭제 취소</translation>
    </message>
    <message>
        <source>Remove a task that you added</source>
        <translation>추가한 과제 제거</translation>
    </message>
    <message>
        <source>From the filter to the list</source>
        <translation>필터에서 목록으로</translation>
    </message>
    <message>
        <source>From the search to the results</source>
        <translation>검색에서 결과로</translation>
    </message>
</context>
<context>
    <name>ViewMenu</name>
    <message>
        <source>&amp;View</source>
        <translation>보기(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Larger text</source>
        <translation>텍스트 크게(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Smaller text</source>
        <translation>텍스트 작게(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Usual size</source>
        <translation>기본 크기(&amp;U)</translation>
    </message>
    <message>
        <source>Left &amp;column</source>
        <translation>왼쪽 열(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Plot</source>
        <translation>플롯(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Right column</source>
        <translation>오른쪽 열(&amp;R)</translation>
    </message>
    <message>
        <source>Plot in a &amp;window of its own</source>
        <translation>플롯을 별도 창으로(&amp;W)</translation>
    </message>
</context>
<context>
    <name>VocabularyDialog</name>
    <message>
        <source>Vocabulary</source>
        <translation>어휘</translation>
    </message>
    <message>
        <source>Vocabularies</source>
        <translation>어휘</translation>
    </message>
    <message>
        <source>role</source>
        <translation>역할</translation>
    </message>
    <message>
        <source>result</source>
        <translation>결과</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>토큰</translation>
    </message>
    <message>
        <source>output rows</source>
        <translation>출력 행</translation>
    </message>
    <message>
        <source>ids that differ</source>
        <translation>다른 id</translation>
    </message>
    <message>
        <source>Ids that differ</source>
        <translation>다른 id</translation>
    </message>
    <message>
        <source>accept</source>
        <translation>허용</translation>
    </message>
    <message>
        <source>other token</source>
        <translation>다른 토큰</translation>
    </message>
    <message>
        <source>Apply</source>
        <translation>적용</translation>
    </message>
    <message>
        <source>Checked ids can be generated, the others cannot.</source>
        <translation>선택한 id는 생성될 수 있고 나머지는 생성될 수 없습니다.</translation>
    </message>
    <message>
        <source>These models do not go together: their vocabularies differ.</source>
        <translation>이 모델들은 어휘가 달라 함께 쓸 수 없습니다.</translation>
    </message>
    <message>
        <source>Every token id of the base can be generated.</source>
        <translation>베이스의 모든 토큰 id가 생성될 수 있습니다.</translation>
    </message>
    <message>
        <source>{0} token ids of the base are never generated.</source>
        <translation>베이스의 토큰 id {0}개는 절대 생성되지 않습니다.</translation>
    </message>
    <message>
        <source>identical except for padding</source>
        <translation>패딩을 제외하고 동일</translation>
    </message>
    <message>
        <source>another tokenizer, by bytes</source>
        <translation>다른 토크나이저, 바이트로</translation>
    </message>
    <message>
        <source>incompatible</source>
        <translation>호환되지 않음</translation>
    </message>
    <message>
        <source>An id that stands for different tokens is never generated, unless you accept it: then the base&apos;s token is used.</source>
        <translation>모델마다 다른 토큰을 나타내는 id는 생성되지 않습니다. 허용하면 베이스의 토큰을 사용합니다.</translation>
    </message>
    <message>
        <source>Every id stands for the same token in every role of the same tokenizer.</source>
        <translation>토크나이저가 같은 모든 역할에서 id마다 같은 토큰을 뜻합니다.</translation>
    </message>
    <message>
        <source>base</source>
        <translation>베이스</translation>
    </message>
    <message>
        <source>identical</source>
        <translation>동일</translation>
    </message>
    <message>
        <source>a few ids differ</source>
        <translation>일부 id 다름</translation>
    </message>
    <message>
        <source>–</source>
        <translation>–</translation>
    </message>
    <message>
        <source>(none)</source>
        <translation>(없음)</translation>
    </message>
</context>
<context>
    <name>VocabularyLine</name>
    <message>
        <source>Vocabulary: not shared yet</source>
        <translation>어휘: 아직 서로 다름</translation>
    </message>
    <message>
        <source>Other tokenizer: {0}</source>
        <translation>다른 토크나이저: {0}</translation>
    </message>
    <message>
        <source>Vocabulary: {0} ids differ</source>
        <translation>어휘: id {0}개 다름</translation>
    </message>
    <message>
        <source>Vocabulary: 1 id differs</source>
        <translation>어휘: id 1개 다름</translation>
    </message>
    <message>
        <source>Vocabulary: identical</source>
        <translation>어휘: 동일</translation>
    </message>
    <message>
        <source>{0} warnings</source>
        <translation>경고 {0}개</translation>
    </message>
    <message>
        <source>1 warning</source>
        <translation>경고 1개</translation>
    </message>
    <message>
        <source>Vocabulary: cannot be compared</source>
        <translation>어휘: 비교할 수 없음</translation>
    </message>
    <message>
        <source>Vocabulary: being compared …</source>
        <translation>어휘: 비교 중 …</translation>
    </message>
    <message>
        <source>Vocabulary: not compared yet</source>
        <translation>어휘: 아직 비교하지 않음</translation>
    </message>
</context>
<context>
    <name>WhatIfBar</name>
    <message>
        <source>What if α were different</source>
        <translation>α가 달랐다면</translation>
    </message>
    <message>
        <source>Generate from first difference</source>
        <translation>첫 차이부터 생성</translation>
    </message>
    <message>
        <source>Set these α and start a branch from the first different token (Enter)</source>
        <translation>이 α를 적용하고 첫 번째 다른 토큰에서 분기를 시작합니다 (Enter)</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Next difference</source>
        <translation>다음 차이</translation>
    </message>
    <message>
        <source>What if α had been</source>
        <translation>α가 이랬다면</translation>
    </message>
</context>
<context>
    <name>WhatIfWords</name>
    <message>
        <source>Press Generate first.</source>
        <translation>먼저 생성을 누르십시오.</translation>
    </message>
    <message>
        <source>Available when the run has ended.</source>
        <translation>실행이 끝난 뒤에 사용할 수 있습니다.</translation>
    </message>
    <message>
        <source>One role generated this run alone: there is no α to change.</source>
        <translation>한 역할이 단독으로 생성한 실행이라 바꿀 α가 없습니다.</translation>
    </message>
    <message>
        <source>The policy of α “{0}” scaled α at each token of this run; what-if needs a run with a constant α.</source>
        <translation>α 정책 “{0}”이(가) 이 실행의 토큰마다 α를 조절했습니다. 가정 계산에는 α가 일정한 실행이 필요합니다.</translation>
    </message>
    <message>
        <source>This run was generated with other models; open its recipe first.</source>
        <translation>다른 모델로 생성한 실행입니다. 먼저 그 레시피를 여십시오.</translation>
    </message>
    <message>
        <source>The run has no tokens.</source>
        <translation>실행에 토큰이 없습니다.</translation>
    </message>
    <message>
        <source>All tokens of this run were given; none was sampled.</source>
        <translation>이 실행의 토큰은 모두 주어진 것이며 샘플링한 토큰이 없습니다.</translation>
    </message>
    <message>
        <source>The policy of α “{0}” in the sampling settings would scale these α; make it constant first.</source>
        <translation>샘플링 설정의 α 정책 “{0}”이(가) 이 α를 조절하게 됩니다. 먼저 정책을 “일정”으로 바꾸십시오.</translation>
    </message>
    <message>
        <source>Computing …</source>
        <translation>계산 중 …</translation>
    </message>
    <message>
        <source>Move a slider. The result is computed from the kept logits, without running a model.</source>
        <translation>슬라이더를 움직이십시오. 모델을 실행하지 않고 보관된 로짓으로 계산합니다.</translation>
    </message>
    <message>
        <source>All {0} tokens stay the same.</source>
        <translation>토큰 {0}개가 모두 그대로입니다.</translation>
    </message>
    <message>
        <source>First known difference at token {0}: {1} instead of {2}; {3} of {4} tokens differ.</source>
        <translation>알려진 첫 차이는 토큰 {0}: {2} 대신 {1}, 토큰 {4}개 중 {3}개 다름.</translation>
    </message>
    <message>
        <source>First difference at token {0}: {1} instead of {2}; {3} of {4} tokens differ.</source>
        <translation>첫 차이는 토큰 {0}: {2} 대신 {1}, 토큰 {4}개 중 {3}개 다름.</translation>
    </message>
    <message>
        <source>{0} tokens are unknown: their logits are not kept.</source>
        <translation>토큰 {0}개는 로짓이 보관되어 있지 않아 알 수 없습니다.</translation>
    </message>
    <message>
        <source>The first {0} tokens were sampled with other settings.</source>
        <translation>처음 토큰 {0}개는 다른 설정으로 샘플링했습니다.</translation>
    </message>
</context>
<context>
    <name>_AlphaControl</name>
    <message>
        <source>What-if α of {0}</source>
        <translation>{0}의 가정 α</translation>
    </message>
</context>
<context>
    <name>_PlotWindow</name>
    <message>
        <source>Plot</source>
        <translation>플롯</translation>
    </message>
</context>
</TS>
