"""Simplified Chinese."""

from consent_service.oauth.texts import Texts

TEXTS = Texts(
    title="应用请求访问权限",
    question_before="是否允许“",
    question_after="”代表您操作？",
    may="如果您允许，该应用可以：",
    scopes={
        "catalogue:read": "查看数据的一般用途",
        "customers:read": "查看您的个人资料以及我们保存的地址和号码",
        "customers:write": "更改您的个人资料和语言，查看并终止您对各应用的授权",
        "consents:read": "查看您同意和拒绝的事项及其凭证",
        "consents:write": "以您的名义同意、拒绝和撤回",
        "decisions:check": "询问您的数据是否可用于某一用途",
        "disclosures:read": "查看谁询问过您的信息、谁使用过您的数据",
    },
    about_you="它只能访问您的数据，不能访问他人的数据。",
    how_long="有效期为 {days} 天，之后会再次询问您。您可以随时终止。",
    leads_to="您作答后将返回",
    allow="允许",
    refuse="拒绝",
    refused_title="此链接无效",
    refused="将您带到这里的应用不为我们所知，或要求把答复发往不属于它的地址。未授予任何权限。"
    "请告知该应用的运营者。",
)
